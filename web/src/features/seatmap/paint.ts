import type { Area } from './house'
import type { SeatStore } from './store'

/** What a seat is, to the eye: shape and colour both tell it. */
export type Look = 'free' | 'chosen' | 'held' | 'booked' | 'off'

export function look(store: SeatStore, unit: number, hidden: ReadonlySet<string>): Look {
  if (store.chosen.has(unit)) return 'chosen'
  const state = store.states[unit]
  if (state === 'h' && !store.mine.has(unit)) return 'held'
  if (state === 'b' || state === 'x') return 'booked'
  const type = store.house.types[store.house.type[unit]!]
  return type && hidden.has(type.id) ? 'off' : 'free'
}

export const kindColor = (type: number) => `var(--kind-${(type % 6) + 1})`

/** How large an area's words are: to fit, and not to shout in a small house. */
export function areaText({ shape, width, height, text = '' }: Area, pitch: number): number {
  if (shape === 'text') return pitch
  const most = Math.max(pitch * 1.3, Math.min(width, height) * 0.28)
  return Math.min(most, height * 0.5, (width / Math.max(4, text.length)) * 1.5)
}
