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
