import { act, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { concert, euro, hold, Refusal, serve, session, show, stream } from '../../testing'
import { CheckoutPage } from './CheckoutPage'

const stripe = vi.hoisted(() => ({
  load: vi.fn(),
  handlers: new Map<string, () => void>(),
  confirmPayment: vi.fn(),
  elements: vi.fn(),
  mount: vi.fn(),
  destroy: vi.fn(),
}))
vi.mock('@stripe/stripe-js/pure', () => ({ loadStripe: stripe.load }))

const form = 'http://forms.example.test'
const booking = (patch: object = {}) => ({
  id: 'b1',
  hold: 'h1',
  event: 'e1',
  status: 'awaiting_payment',
  units: hold().units,
  total: euro(2500),
  payment: { intent: 'pi_1', clientSecret: 'pi_1_secret_1', publishableKey: 'pk_1' },
  expiresAt: hold().expiresAt,
  ...patch,
})

async function checkout(more: Record<string, unknown> = {}) {
  const live = stream()
  const asked = serve({
    'GET /auth/session': session,
    'GET /api/v1/events/e1': concert,
    'GET /api/v1/holds/h1': hold(),
    'POST /api/v1/bookings': booking(),
    'GET /api/v1/bookings/b1': booking(),
    'GET /api/v1/bookings/b1/stream': () => live.open(),
    'GET /api/v1/payment-provider': { provider: 'simulator', publishableKey: 'pk_1', formUrl: form },
    ...more,
  })
  const { router } = await show(<CheckoutPage />, '/checkout/$hold', { hold: 'h1' })
  return { asked, live, router }
}

const pay = async () => userEvent.click(await screen.findByRole('button', { name: 'Continue to payment' }))

describe('the checkout', () => {
  it('makes one booking of a hold, however often it is opened', async () => {
    const { asked } = await checkout()
    await pay()
    const order = await waitFor(() => asked.find((a) => a.what === 'POST /api/v1/bookings')!)
    expect(order.headers.get('Idempotency-Key')).toBe('checkout-h1')
    expect(order.body).toEqual({ hold: 'h1' })
    expect(screen.getByText('Stalls, row A, seat 1')).toBeInTheDocument()
    const frame = await screen.findByTitle('Card details')
    expect(frame.getAttribute('src')).toContain(`${form}/?client_secret=pi_1_secret_1`)
  })

  it('listens to the form’s own window and origin only', async () => {
    await checkout()
    await pay()
    const frame = await screen.findByTitle<HTMLIFrameElement>('Card details')
    const say = (data: object, from: Partial<MessageEventInit> = {}) =>
      act(
        () =>
          void dispatchEvent(
            new MessageEvent('message', {
              origin: form,
              source: frame.contentWindow,
              data: { type: 'foyer-payment', ...data },
              ...from,
            }),
          ),
      )
    say({ status: 'succeeded' }, { origin: 'http://elsewhere.test' })
    say({ status: 'succeeded' }, { source: window })
    expect(screen.queryByText('Payment received. Confirming your tickets.')).toBeNull()
    say({ status: 'failed', message: 'Your card was declined.' })
    expect(screen.getByText('Your card was declined.')).toBeInTheDocument()
    say({ status: 'succeeded' })
    expect(await screen.findByText('Payment received. Confirming your tickets.')).toBeVisible()
  })

  it('goes to the tickets when the booking says so, not the form', async () => {
    const { live, router, asked } = await checkout()
    await pay()
    await screen.findByTitle('Card details')
    await waitFor(() => expect(asked.map((a) => a.what)).toContain('GET /api/v1/bookings/b1/stream'))
    act(() => live.push('booking', booking({ status: 'confirmed' })))
    await waitFor(() => expect(router.state.location.pathname).toBe('/bookings/b1'))
  })

  it.each(['expired', 'failed', 'cancelled'])('says what became of a booking that is %s', async (status) => {
    await checkout({ 'GET /api/v1/bookings/b1': booking({ status }), 'POST /api/v1/bookings': booking({ status }) })
    await pay()
    expect(await screen.findByRole('link', { name: /again/i })).toHaveAttribute('href', '/events/e1/tickets')
  })

  it('says that the time is up when the hold is gone', async () => {
    await checkout({ 'GET /api/v1/holds/h1': new Refusal(410, 'hold_expired') })
    expect(await screen.findByRole('heading', { name: 'Your time is up' })).toBeVisible()
  })

  it('offers to try again when the order does not go through', async () => {
    await checkout({ 'POST /api/v1/bookings': new Refusal(503, 'service_unavailable') })
    await pay()
    expect(await screen.findByRole('button', { name: /again/i })).toBeVisible()
  })
})

describe('with keys of Stripe', () => {
  const provider = { 'GET /api/v1/payment-provider': { provider: 'stripe', publishableKey: 'pk_live_1' } }
  beforeEach(() => {
    stripe.handlers.clear()
    const element = {
      on: (name: string, f: () => void) => stripe.handlers.set(name, f),
      mount: stripe.mount,
      destroy: stripe.destroy,
    }
    const elements = { create: vi.fn(() => element) }
    stripe.elements.mockReturnValue(elements)
    stripe.load.mockResolvedValue({ elements: stripe.elements, confirmPayment: stripe.confirmPayment })
  })

  it('loads nothing of Stripe before somebody pays', async () => {
    await checkout(provider)
    await screen.findByRole('button', { name: 'Continue to payment' })
    expect(stripe.load).not.toHaveBeenCalled()
  })

  it('pays in the Payment Element, says a refusal, and waits for the booking', async () => {
    await checkout(provider)
    await pay()
    await waitFor(() => expect(stripe.mount).toHaveBeenCalled())
    expect(stripe.load).toHaveBeenCalledWith('pk_live_1')
    expect(stripe.elements).toHaveBeenCalledWith(
      expect.objectContaining({ clientSecret: 'pi_1_secret_1', locale: 'en' }),
    )
    const button = screen.getByRole('button', { name: 'Pay now' })
    expect(button).toBeDisabled()
    act(() => stripe.handlers.get('ready')!())
    stripe.confirmPayment.mockResolvedValueOnce({ error: { message: 'Your card was declined.' } })
    await userEvent.click(button)
    expect(await screen.findByRole('alert')).toHaveTextContent('Your card was declined.')
    stripe.confirmPayment.mockResolvedValueOnce({ paymentIntent: { status: 'requires_capture' } })
    await userEvent.click(button)
    expect(await screen.findByText('Payment received. Confirming your tickets.')).toBeVisible()
    expect(stripe.confirmPayment).toHaveBeenLastCalledWith(expect.objectContaining({ redirect: 'if_required' }))
    expect(button).toBeDisabled()
  })

  it('says so when Stripe cannot be reached', async () => {
    stripe.load.mockRejectedValue(new Error('blocked'))
    await checkout(provider)
    await pay()
    expect(await screen.findByText('The payment form couldn’t be loaded. Reload the page to try again.')).toBeVisible()
  })
})
