import { act, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it, vi } from 'vitest'
import { concert, Refusal, serve, session, show, stream } from '../../testing'
import type { Place } from './position'
import { QueuePage } from './QueuePage'

const place: Place = { place: 'p', number: 50, position: 20, ahead: 19, state: 'waiting', etaSeconds: 600 }

async function wait(at: Partial<Place> | Refusal, more: Record<string, unknown> = {}) {
  const live = stream()
  const asked = serve({
    'GET /auth/session': session,
    'GET /api/v1/events/e1': { ...concert, highDemand: true },
    'POST /api/v1/events/e1/queue': at instanceof Refusal ? at : { ...place, ...at },
    'GET /api/v1/events/e1/queue/stream': () => live.open(),
    'POST /api/v1/events/e1/queue/admission': new Refusal(425, 'not_your_turn'),
    ...more,
  })
  await show(<QueuePage />, '/events/$id/queue', { id: 'e1' })
  await screen.findByRole('heading', { name: 'Nachtmusik' })
  return { asked, live }
}

describe('the waiting room', () => {
  it('shows the place, the people ahead, a range of minutes and the remaining tickets', async () => {
    await wait({})
    expect(await screen.findByText('20')).toBeVisible()
    expect(screen.getByText('19 people ahead of you')).toBeVisible()
    expect(screen.getByText('About 7 to 15 minutes')).toBeVisible()
    expect(screen.getByText('5 left')).toBeVisible()
    expect(screen.getByText('€25')).toBeVisible()
  })

  it('counts to the opening in the lobby', async () => {
    await wait({ state: 'lobby', number: 0, opensAt: new Date(Date.now() + 65_000).toISOString() })
    expect(await screen.findByText('Sales haven’t opened yet')).toBeVisible()
    expect(screen.getByRole('timer')).toHaveTextContent(/^1:0\d$/)
  })

  it.each([
    ['paused', 'The queue is paused. You keep your place.'],
    ['sold_out', 'Sold out for now'],
    ['closed', 'The queue is closed'],
    ['missed', 'You missed your turn'],
  ] as const)('says it when it is %s', async (state, text) => {
    await wait({ state })
    expect(await screen.findByText(text)).toBeVisible()
  })

  it('advances by ticks, and claims the admission at the turn', async () => {
    const pass = { pass: 'x.y.z', expiresAt: new Date(Date.now() + 600_000).toISOString() }
    const { live, asked } = await wait({}, { 'POST /api/v1/events/e1/queue/admission': pass })
    expect(await screen.findByText('20')).toBeVisible()
    await vi.waitFor(() => expect(asked.map((a) => a.what)).toContain('GET /api/v1/events/e1/queue/stream'))
    act(() => live.push('tick', { served: 45, rate: 1, state: 'open' }))
    expect(await screen.findByText('4 people ahead of you')).toBeVisible()
    act(() => live.push('tick', { served: 50, rate: 1, state: 'open' }))
    expect(await screen.findByText('It’s your turn')).toBeVisible()
    expect(screen.getByRole('link', { name: 'Choose seats' })).toHaveAttribute('href', '/events/e1/tickets')
    expect(document.title).toBe('It’s your turn! · Foyer')
    expect(asked.find((a) => a.what.endsWith('/admission'))!.headers.get('Queue-Place')).toBe('p')
    expect(JSON.parse(localStorage.getItem('foyer.pass.e1')!)).toEqual(pass)
  })

  it('links to the tickets when there is no queue', async () => {
    await wait(new Refusal(404, 'no_waiting_room'))
    expect(await screen.findByText('No queue right now')).toBeVisible()
    expect(screen.getByRole('link', { name: 'Get tickets' })).toBeVisible()
  })

  it('says what to do when the service is away', async () => {
    await wait(new Refusal(503, 'service_unavailable'))
    const again = await screen.findByRole('button', { name: /again/i })
    serve({ 'POST /api/v1/events/e1/queue': place })
    await userEvent.click(again)
    expect(await screen.findByText('20')).toBeVisible()
  })
})
