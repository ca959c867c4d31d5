import { act, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Hold } from '../../api/client'
import { concert, hold, Refusal, serve, show } from '../../testing'
import { currentCart, dispatch } from './cart'
import CartBar from './CartBar'
import { Timer } from './Timer'

const put = (patch: object = {}) => dispatch({ type: 'hold', hold: hold(patch) as Hold })

describe('the timer', () => {
  afterEach(() => void vi.useRealTimers())

  it('counts down, and says two minutes, thirty seconds and the end once and politely', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true })
    const over = vi.fn()
    await show(<Timer deadline={new Date(Date.now() + 122_000).toISOString()} onOver={over} />)
    const later = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms))
    expect(screen.getByRole('timer')).toHaveTextContent(/^2:0[12]$/)
    expect(screen.getByRole('status')).toBeEmptyDOMElement()
    await later(3_000)
    expect(screen.getByRole('status')).toHaveTextContent('Two minutes left')
    await later(91_000)
    expect(screen.getByRole('status')).toHaveTextContent('Thirty seconds left')
    expect(over).not.toHaveBeenCalled()
    await later(31_000)
    expect(screen.getByRole('timer')).toHaveTextContent('0:00')
    expect(over).toHaveBeenCalledTimes(1)
  })

  it('tells after a sleep what is true then', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true })
    const over = vi.fn()
    await show(<Timer deadline={new Date(Date.now() + 200_000).toISOString()} onOver={over} />)
    vi.setSystemTime(Date.now() + 300_000) // the lid was closed: no timer ran
    act(() => void document.dispatchEvent(new Event('visibilitychange')))
    expect(screen.getByRole('timer')).toHaveTextContent('0:00')
    expect(over).toHaveBeenCalledTimes(1)
  })
})

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
