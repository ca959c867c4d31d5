import { api, idempotencyKey, unwrap, type Hold, type HoldRequest } from '../../api/client'
import { asProblem, Problem } from '../../api/problem'
import { storedPass } from '../queue/pass'
import { dispatch } from './cart'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Creates a hold. If the account already has one for this event, changes that to the selection. */
export async function createHold(event: string, request: HoldRequest): Promise<Hold> {
  const pass = storedPass(event)
  try {
    const answer = await unwrap(
      api.POST('/api/v1/events/{event}/holds', {
        params: { path: { event }, header: { ...idempotencyKey(), ...(pass ? { 'Admission-Pass': pass.pass } : {}) } },
        body: request,
      }),
    )
    const hold = answer.status === 'pending' ? await awaitDecision(answer.id) : answer
    dispatch({ type: 'hold', hold })
    return hold
  } catch (error) {
    const problem = asProblem(error)
    const existing = problem.fields.hold as Hold | string | undefined
    if (problem.code !== 'hold_exists' || !existing) throw error
    const hold = typeof existing === 'string' ? await getHold(existing) : existing
    dispatch({ type: 'hold', hold })
    if (hold.status === 'checkout') return hold
    if (request.units) return changeHold(hold, request.units)
    await releaseHold(hold.id)
    return createHold(event, request)
  }
}

/** Polls a queued hold request until it is decided: requests for a high-demand event are decided in order. */
async function awaitDecision(hold: string): Promise<Hold> {
  for (let tries = 0; tries < 30; tries++) {
    await sleep(500 + tries * 50)
    try {
      return await getHold(hold)
    } catch (error) {
      const problem = asProblem(error)
      if (problem.status !== 404 && problem.status !== 425 && !problem.isTransient) throw error
    }
  }
  throw holdPending()
}

export async function changeHold(hold: Pick<Hold, 'id' | 'units'>, units: string[]): Promise<Hold> {
  const had = new Set(hold.units.map((u) => u.unit))
  const wanted = new Set(units)
  const add = units.filter((u) => !had.has(u))
  const remove = [...had].filter((u) => !wanted.has(u))
  if (units.length === 0) {
    await releaseHold(hold.id)
    throw new Problem(410, 'hold_released', '')
  }
  const changed =
    add.length + remove.length === 0
      ? await getHold(hold.id)
      : await unwrap(
          api.PATCH('/api/v1/holds/{hold}', {
            params: { path: { hold: hold.id } },
            body: { ...(add.length ? { add } : {}), ...(remove.length ? { remove } : {}) },
          }),
        )
  dispatch({ type: 'hold', hold: changed })
  return changed
}

/** A hold request that is still queued is transient: retry. */
const holdPending = () => new Problem(503, 'hold_pending', '')

export async function getHold(id: string): Promise<Hold> {
  const hold = await unwrap(api.GET('/api/v1/holds/{hold}', { params: { path: { hold: id } } }))
  if (hold.status === 'pending') throw holdPending()
  return hold
}

export async function releaseHold(hold: string): Promise<void> {
  await unwrap(api.DELETE('/api/v1/holds/{hold}', { params: { path: { hold } } }))
  dispatch({ type: 'released' })
}
