import { act, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it, vi } from 'vitest'
import type { Hold } from '../../api/client'
import { concert, hold, Refusal, serve, show } from '../../testing'
import { currentCart, dispatch } from './cart'
import CartBar from './CartBar'

const put = (patch: object = {}) => dispatch({ type: 'hold', hold: hold(patch) as Hold })

describe('the cart bar', () => {
  it('shows what is held, and the way to pay', async () => {
    serve({ 'GET /api/v1/events/e1': concert, 'GET /api/v1/holds/h1': hold() })
    put()
    await show(<CartBar />)
    expect(await screen.findByText('Nachtmusik')).toBeVisible()
    expect(screen.getByText(/1 ticket · €25/)).toBeVisible()
    expect(screen.getByRole('link', { name: 'Check out' })).toHaveAttribute('href', '/checkout/h1')
  })

  it('says that the time is up, and offers the seats again', async () => {
    serve({ 'GET /api/v1/events/e1': concert, 'GET /api/v1/holds/h1': new Refusal(410, 'hold_expired') })
    put()
    await show(<CartBar />)
    expect(await screen.findByRole('alert')).toHaveTextContent('Your time is up')
    expect(screen.getByRole('link', { name: /again/i })).toHaveAttribute('href', '/events/e1/tickets')
    await userEvent.click(screen.getByRole('button', { name: 'Close' }))
    expect(screen.queryByRole('alert')).toBeNull()
    expect(currentCart()).toEqual({ kind: 'empty' })
  })

  it('is gone with a hold that is somebody else’s or given back', async () => {
    serve({ 'GET /api/v1/events/e1': concert, 'GET /api/v1/holds/h1': new Refusal(404, 'hold_not_found') })
    put()
    await show(<CartBar />)
    await vi.waitFor(() => expect(screen.queryByRole('complementary')).toBeNull())
    expect(currentCart()).toEqual({ kind: 'empty' })
  })

  it('follows another tab', async () => {
    serve({ 'GET /api/v1/events/e1': concert, 'GET /api/v1/holds/h1': hold() })
    put()
    await show(<CartBar />)
    expect(await screen.findByText('Nachtmusik')).toBeVisible()
    localStorage.removeItem('foyer.cart')
    act(() => void dispatchEvent(new StorageEvent('storage')))
    expect(screen.queryByRole('complementary')).toBeNull()
  })
})
