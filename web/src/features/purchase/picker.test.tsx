import { act, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it, vi } from 'vitest'
import { concert, hold, Refusal, seatMap, seatPlan, serve, session, show, stream } from '../../testing'
import { buildGrid } from '../seatmap/grid'
import { PickerPage } from './PickerPage'

vi.mock('../seatmap/grid', async (original) => {
  const grid = await original<typeof import('../seatmap/grid')>()
  return { ...grid, buildGrid: vi.fn(grid.buildGrid) }
})

const live = stream()
const base = {
  'GET /api/v1/events/e1': concert,
  'GET /api/v1/events/e1/plan': seatPlan,
  'GET /api/v1/events/e1/seats': seatMap,
  'GET /api/v1/events/e1/seats/stream': () => live.open(),
  'GET /auth/session': session,
}

async function open(more: Record<string, unknown> = {}) {
  const asked = serve({ ...base, ...more })
  await show(<PickerPage />, '/events/$id/tickets', { id: 'e1' })
  await userEvent.click(await screen.findByText('Choose from a list'))
  await userEvent.selectOptions(screen.getByLabelText('Section'), 'Stalls')
  return asked
}

const seat = (row: string, number: string) =>
  screen.getByRole('button', { name: new RegExp(`Row ${row}, seat ${number}\\b`, 'i') })
const drawn = (kind: string) => document.querySelectorAll(`.map-box ${kind}`).length

describe('the seat picker', () => {
  it('does by keys and ear what the map does', async () => {
    await open()
    const user = userEvent.setup()
    expect(seat('B', '3')).toBeDisabled()
    expect(drawn('.seat-booked')).toBe(1)
    seat('A', '1').focus()
    await user.keyboard('{Enter}')
    await user.tab()
    await user.keyboard(' ')
    expect(seat('A', '1')).toHaveAttribute('aria-pressed', 'true')
    expect(seat('A', '2')).toHaveAttribute('aria-pressed', 'true')
    expect(drawn('.seat-chosen')).toBe(2) // the same choice on the map
    const chosen = screen.getByRole('list', { name: 'Selected seats' })
    expect(within(chosen).getAllByRole('button')).toHaveLength(2)
    expect(screen.getByText('€50')).toBeVisible()
    await user.click(within(chosen).getAllByRole('button')[0]!)
    expect(seat('A', '1')).toHaveAttribute('aria-pressed', 'false')
    expect(drawn('.seat-chosen')).toBe(1)
  })

  it('indexes its seats once, however often they change', async () => {
    vi.mocked(buildGrid).mockClear()
    await open()
    for (const [n, state] of ['h', 'a', 'h'].entries())
      act(() => live.push('delta', { version: n + 2, changes: [['A-2', state]] }))
    await vi.waitFor(() => expect(drawn('.seat-held')).toBe(1))
    expect(buildGrid).toHaveBeenCalledTimes(1)
  })

  it('draws the stage that the plan has', async () => {
    await open()
    expect(screen.getByText('Rampe')).toBeInTheDocument()
    expect(drawn('.map-stage')).toBe(1)
  })

  it('says when there are enough, and warns of a seat left alone', async () => {
    await open()
    for (const n of ['1', '2']) await userEvent.click(seat('A', n))
    expect(screen.getByText(/leaves one seat empty/)).toBeVisible()
    await userEvent.click(seat('A', '3'))
    await userEvent.click(seat('B', '1'))
    expect(seat('B', '1')).toHaveAttribute('aria-pressed', 'false')
    expect(screen.getByText('You can choose up to 3 tickets')).toBeInTheDocument()
  })

  it('tells at once when somebody was quicker, in the list, on the map and in words', async () => {
    await open()
    await userEvent.click(seat('A', '2'))
    act(() => live.push('delta', { version: 2, changes: [['A-2', 'h']] }))
    expect(await screen.findByRole('alert')).toHaveTextContent('Someone else just took')
    expect(seat('A', '2')).toBeDisabled()
    expect(drawn('.seat-held')).toBe(1)
    expect(screen.queryByRole('list', { name: 'Selected seats' })).toBeNull()
  })

  it('holds exactly what was chosen and goes to pay', async () => {
    const asked = await open({ 'POST /api/v1/events/e1/holds': hold() })
    await userEvent.click(seat('A', '1'))
    await userEvent.click(screen.getByRole('button', { name: 'Continue' }))
    await vi.waitFor(() => expect(asked.map((a) => a.what)).toContain('POST /api/v1/events/e1/holds'))
    const sent = asked.find((a) => a.what === 'POST /api/v1/events/e1/holds')!
    expect(sent.body).toEqual({ units: ['A-1'] })
    expect(sent.headers.get('Idempotency-Key')).toBeTruthy()
  })

  it('does not lose the rest when one of the seats is refused', async () => {
    const refused = () => Response.json({ code: 'units_unavailable', status: 409, units: ['A-1'] }, { status: 409 })
    await open({ 'POST /api/v1/events/e1/holds': refused })
    await userEvent.click(seat('A', '1'))
    await userEvent.click(seat('B', '1'))
    await userEvent.click(screen.getByRole('button', { name: 'Continue' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('Someone else just took')
    expect(seat('B', '1')).toHaveAttribute('aria-pressed', 'true')
  })

  it('keeps the choice of a stranger who signs in', async () => {
    await open({ 'GET /auth/session': new Refusal(401, 'unauthenticated') })
    await userEvent.click(seat('A', '1'))
    await userEvent.click(screen.getByRole('button', { name: 'Sign in to continue' }))
    expect(JSON.parse(sessionStorage.getItem('foyer.choice.e1')!)).toEqual({ units: ['A-1'], standing: {} })
  })
})
