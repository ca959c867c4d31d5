import { afterEach, expect, it, vi } from 'vitest'
import { hold, serve } from '../../testing'
import { currentCart, dispatch } from './cart'
import { createHold } from './hold'

afterEach(() => {
  vi.useRealTimers()
  dispatch({ type: 'released' })
})

it('polls a queued hold request until it is decided', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 100 })
  const pending = () => Response.json({ id: 'h1', status: 'pending' }, { status: 202 })
  const answers = [pending(), Response.json(hold())]
  const asked = serve({
    'POST /api/v1/events/e1/holds': pending(),
    'GET /api/v1/holds/h1': () => answers.shift(),
  })
  expect(await createHold('e1', { units: ['A-1'] })).toMatchObject({ id: 'h1', status: 'open' })
  expect(currentCart()).toMatchObject({ kind: 'held', hold: 'h1' })
  expect(asked.map((a) => a.what)).toEqual([
    'POST /api/v1/events/e1/holds',
    'GET /api/v1/holds/h1',
    'GET /api/v1/holds/h1',
  ])
})
