import { describe, expect, it } from 'vitest'
import { addBlock, completePlan, countSeats, emptyPlan, moveZone, zoneFrame } from './plan'

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
  it('completes a plan that leaves things out, and keeps what it does not know', () => {
    const plan = completePlan({
      name: 'Hall',
      size: null,
      zones: [
        null,
        {
          name: null,
          rows: [null, { seats: [{ seat_guid: 'a', category: 'A', position: { x: 700, y: null }, note: 'aisle' }] }],
          areas: [null, { shape: 'text', uuid: '1' }],
        },
      ],
    })
    expect(plan.zones).toHaveLength(1)
    expect(plan.zones[0]).toMatchObject({ name: '', position: { x: 0, y: 0 } })
    expect(plan.zones[0]!.rows[0]!.seats).toEqual([
      { seat_guid: 'a', category: 'A', position: { x: 700, y: 0 }, note: 'aisle' },
    ])
    expect(plan.zones[0]!.areas).toEqual([{ shape: 'text', uuid: '1', position: { x: 0, y: 0 } }])
    expect(plan.size.width).toBeGreaterThan(700)
    expect(plan.categories).toEqual([])
  })
})
