import { describe, expect, it } from 'vitest'
import { addBlock, countSeats, emptyPlan, moveZone, zoneFrame } from './plan'

describe('the plan editor', () => {
  it('gives every seat an id of its own', () => {
    const block = { name: 'Stalls', rows: 2, seats: 3, category: 'A', at: { x: 200, y: 200 } }
    const plan = addBlock(addBlock(emptyPlan('x'), block), { ...block, category: 'B' })
    const all = plan.zones.flatMap((z) => z.rows.flatMap((r) => r.seats.map((s) => s.seat_guid)))
    expect(new Set(all).size).toBe(12)
    expect(countSeats(plan)).toBe(12)
    expect(plan.categories.map((c) => c.name)).toEqual(['A', 'B'])
    expect(plan.zones.map((z) => z.name)).toEqual(['Stalls', 'Stalls 2'])
  })
  it('moves a section and grows the plan with it', () => {
    const plan = addBlock(emptyPlan('x'), { name: 'S', rows: 1, seats: 2, category: 'A', at: { x: 900, y: 100 } })
    const moved = moveZone(plan, 0, { x: 400, y: 0 })
    expect(zoneFrame(moved.zones[0]!).x).toBe(zoneFrame(plan.zones[0]!).x + 400)
    expect(moved.size.width).toBeGreaterThan(1300)
  })
})
