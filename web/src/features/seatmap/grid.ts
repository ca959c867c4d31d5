import type { SeatLayout } from './layout'

/** Seats by cells of the plan, to find those near a point or in a rectangle. */
export interface Grid {
  cell: number
  cells: Map<number, number[]>
}

const STRIDE = 1 << 16
const key = (cx: number, cy: number) => (cx + (STRIDE >> 1)) * STRIDE + (cy + (STRIDE >> 1))

export function buildGrid(layout: SeatLayout): Grid {
  const cell = layout.pitch * 8
  const cells = new Map<number, number[]>()
  for (let i = 0; i < layout.seats; i++) {
    const k = key(Math.floor(layout.x[i]! / cell), Math.floor(layout.y[i]! / cell))
    const list = cells.get(k)
    if (list) list.push(i)
    else cells.set(k, [i])
  }
  return { cell, cells }
}

export function eachInside(
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

export function nearest(layout: SeatLayout, g: Grid, x: number, y: number, within: number): number | null {
  let best: number | null = null
  let least = within
  eachInside(g, x - within, y - within, x + within, y + within, (unit) => {
    const d = Math.hypot(layout.x[unit]! - x, layout.y[unit]! - y)
    if (d < least) {
      least = d
      best = unit
    }
  })
  return best
}
