import type { House } from './house'

/** Seats by cells of the plan, to find those near a point or within sight. */
export interface Grid {
  cell: number
  cells: Map<number, number[]>
}

const STRIDE = 1 << 16
const key = (cx: number, cy: number) => (cx + (STRIDE >> 1)) * STRIDE + (cy + (STRIDE >> 1))

export function grid(house: House): Grid {
  const cell = house.pitch * 8
  const cells = new Map<number, number[]>()
  for (let i = 0; i < house.seats; i++) {
    const k = key(Math.floor(house.x[i]! / cell), Math.floor(house.y[i]! / cell))
    const list = cells.get(k)
    if (list) list.push(i)
    else cells.set(k, [i])
  }
  return { cell, cells }
}

export function each(
  g: Grid,
  left: number,
  top: number,
  right: number,
  bottom: number,
  visit: (unit: number) => void,
): void {
  for (let cx = Math.floor(left / g.cell); cx <= Math.floor(right / g.cell); cx++)
    for (let cy = Math.floor(top / g.cell); cy <= Math.floor(bottom / g.cell); cy++)
      g.cells.get(key(cx, cy))?.forEach(visit)
}

export function nearest(house: House, g: Grid, x: number, y: number, within: number): number | null {
  let best: number | null = null
  let least = within
  each(g, x - within, y - within, x + within, y + within, (unit) => {
    const d = Math.hypot(house.x[unit]! - x, house.y[unit]! - y)
    if (d < least) {
      least = d
      best = unit
    }
  })
  return best
}
