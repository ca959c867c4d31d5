import type { Area } from './layout'
import type { SeatStore } from './store'

/** How a seat is drawn; each has a shape and a colour of its own. */
export type SeatAppearance = 'free' | 'chosen' | 'held' | 'booked' | 'off'

export function seatAppearance(store: SeatStore, unit: number, hidden: ReadonlySet<string>): SeatAppearance {
  if (store.chosen.has(unit)) return 'chosen'
  const state = store.states[unit]
  if (state === 'h' && !store.mine.has(unit)) return 'held'
  if (state === 'b' || state === 'x') return 'booked'
  const type = store.layout.types[store.layout.type[unit]!]
  return type && hidden.has(type.id) ? 'off' : 'free'
}

export const typeColor = (type: number) => `var(--kind-${(type % 6) + 1})`

/** Font size of an area's text: it fits the area, and is not much larger than a seat on a small plan. */
export function areaFontSize({ shape, width, height, text = '' }: Area, pitch: number): number {
  if (shape === 'text') return pitch
  const most = Math.max(pitch * 1.3, Math.min(width, height) * 0.28)
  return Math.min(most, height * 0.5, (width / Math.max(4, text.length)) * 1.5)
}
