import type { components } from '../../api/waitingroom.gen'

export type Place = components['schemas']['Place']
/** The state of the queue, the same for everyone in it. */
export type Tick = components['schemas']['Tick']

/** Advances a place by a tick without a request. null: only the server knows the place; request it. */
export function advance(place: Place, tick: Tick): Place | null {
  if (place.state === 'admitted' || place.state === 'missed') return place
  if (tick.state === 'closed') return { ...place, state: 'closed' }
  if (tick.state === 'lobby') return { ...place, state: 'lobby', opensAt: tick.opensAt ?? place.opensAt }
  if (place.number === 0) return null // the draw has just happened
  if (tick.lapsed !== undefined && tick.lapsed >= place.number) return null
  const position = Math.max(0, place.number - tick.served)
  const ahead = Math.max(0, position - 1)
  if (position === 0) return { ...place, position, ahead, etaSeconds: 0, state: 'your_turn' }
  const state = tick.state === 'open' ? 'waiting' : tick.state
  return { ...place, position, ahead, state, etaSeconds: tick.rate > 0 ? Math.round(position / tick.rate) : undefined }
}

/** The estimated wait as a range in minutes, since the speed of other buyers is unknown. */
export function etaRange(etaSeconds: number | undefined): { least: number; most: number } | null {
  if (etaSeconds === undefined) return null
  const least = Math.max(1, Math.floor((etaSeconds * 0.7) / 60))
  const most = Math.max(least + 1, Math.ceil((etaSeconds * 1.5) / 60))
  return { least, most }
}
