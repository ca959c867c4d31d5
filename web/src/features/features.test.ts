import { describe, expect, it } from 'vitest'
import type { Hold } from '../api/client'
import { reduce, type Cart } from './cart/cart'
import { addBlock, countSeats, emptyPlan, zoneFrame, moveZone } from './merchant/plan'
import { utcFromLocal, localFromUtc } from './merchant/zone'
import { advance, etaRange, type Place } from './queue/position'
import { month, today, weekend } from './events/dates'
import { fit, zoomAt } from './seatmap/camera'
import { buildLayout, orphans, type SeatState, unitIds } from './seatmap/layout'
import { SeatStore } from './seatmap/store'

const hold = (patch: Partial<Hold> = {}): Hold => ({
  id: 'h1',
  event: 'e1',
  units: [{ unit: 'A-1', ticketType: 't', label: 'A-1', price: { amount: 500, currency: 'EUR' } }],
  total: { amount: 500, currency: 'EUR' },
  expiresAt: '2027-01-01T10:05:00Z',
  status: 'open',
  ...patch,
})

describe('the cart', () => {
  const held = reduce({ kind: 'empty' }, { type: 'hold', hold: hold() })
  it('is the hold', () => expect(held).toMatchObject({ kind: 'held', hold: 'h1', units: ['A-1'] }))
  it('never lets the deadline move later', () => {
    const later = reduce(held, { type: 'hold', hold: hold({ expiresAt: '2027-01-01T10:09:00Z' }) })
    expect(later).toMatchObject({ expiresAt: '2027-01-01T10:05:00Z' })
    expect(reduce(held, { type: 'hold', hold: hold({ expiresAt: '2027-01-01T10:04:00Z' }) })).toMatchObject({
      expiresAt: '2027-01-01T10:04:00Z',
    })
  })
  it('remembers what ran out, to offer it again', () => {
    const expired: Cart = { kind: 'expired', event: 'e1', units: ['A-1'] }
    expect(reduce(held, { type: 'expired' })).toEqual(expired)
    expect(reduce(held, { type: 'hold', hold: hold({ status: 'expired' }) })).toEqual(expired)
    expect(reduce(expired, { type: 'expired' })).toEqual(expired)
    expect(reduce({ kind: 'empty' }, { type: 'expired' })).toEqual({ kind: 'empty' })
  })
  it.each([
    [{ type: 'released' }],
    [{ type: 'finished', hold: 'h1' }],
    [{ type: 'hold', hold: hold({ status: 'booked' }) }],
  ] as const)('is empty after %o', (action) => expect(reduce(held, action)).toEqual({ kind: 'empty' }))
  it('keeps a newer hold when an older booking finishes', () =>
    expect(reduce(held, { type: 'finished', hold: 'h0' })).toBe(held))
})

describe('the line', () => {
  const place: Place = { place: 'p', number: 50, position: 20, ahead: 19, state: 'waiting' }
  const tick = { served: 40, rate: 0.5, state: 'open' as const }
  it('moves by ticks alone', () =>
    expect(advance(place, tick)).toMatchObject({ position: 10, ahead: 9, etaSeconds: 20, state: 'waiting' }))
  it('knows its turn', () =>
    expect(advance(place, { ...tick, served: 50 })).toMatchObject({ position: 0, state: 'your_turn' }))
  it('asks the server when only it can know', () => {
    expect(advance({ ...place, number: 0, state: 'lobby' }, tick)).toBeNull()
    expect(advance(place, { ...tick, served: 60, lapsed: 50 })).toBeNull()
  })
  it('says pause and sold out', () => {
    expect(advance(place, { ...tick, state: 'paused' })).toMatchObject({ state: 'paused', position: 10 })
    expect(advance(place, { ...tick, state: 'sold_out' })).toMatchObject({ state: 'sold_out' })
  })
  it('leaves an admission alone', () =>
    expect(advance({ ...place, state: 'admitted' }, tick)).toMatchObject({ state: 'admitted' }))
  it('estimates a range', () => {
    expect(etaRange(600)).toEqual({ least: 7, most: 15 })
    expect(etaRange(10)).toEqual({ least: 1, most: 2 })
    expect(etaRange(undefined)).toBeNull()
  })
})

const type = { id: 't', name: 'Stalls', price: { amount: 500, currency: 'EUR' }, capacity: 5, seated: true }
const ids = ['A-1', 'A-2', 'A-3', 'A-4', 'A-5']
const layout = buildLayout(
  { ticketTypes: [type] },
  {
    version: 1,
    width: 100,
    height: 20,
    ticketTypes: ['t'],
    zones: ['Stalls'],
    kinds: ['seat'],
    units: {
      ticketType: [0, 0, 0, 0, 0],
      zone: [0, 0, 0, 0, 0],
      row: ['A', 'A', 'A', 'A', 'A'],
      number: ['1', '2', '3', '4', '5'],
      x: [0, 20, 40, 60, 80],
      y: [0, 0, 0, 0, 0],
      kind: [0, 0, 0, 0, 0],
    },
  },
  { units: ids },
)
const store = (states = 'aaaaa') => new SeatStore(layout, { states, version: 1 })
const delta = (...changes: [string, SeatState][]) => ({
  event: 'delta',
  id: '1',
  data: JSON.stringify({ version: 2, changes }),
})

describe('the units of a seat map', () => {
  it('are spelled out, or counted in runs', () => {
    expect(unitIds({ units: ids })).toEqual(ids)
    expect(
      unitIds({
        runs: [{ prefix: 'A-', first: 1, count: 3 }, { prefix: 'Box' }, { prefix: 'B-', first: 9, count: 3, step: -2 }],
      }),
    ).toEqual(['A-1', 'A-2', 'A-3', 'Box', 'B-9', 'B-7', 'B-5'])
  })
})

describe('the seat store', () => {
  it('tells at once when a chosen seat is lost', () => {
    const s = store()
    s.toggle(1, 8)
    s.receive(delta(['A-2', 'h']))
    expect(s.lost).toEqual([1])
    expect(s.chosen.size).toBe(0)
  })
  it('does not call its own hold a loss', () => {
    const s = store()
    s.toggle(1, 8)
    s.expected.add(1)
    s.receive(delta(['A-2', 'h']))
    s.adopt(['A-2'])
    expect(s.lost).toEqual([])
    expect([...s.chosen]).toEqual([1])
    s.receive(delta(['A-2', 'h']))
    expect([...s.chosen]).toEqual([1])
  })
  it('takes a snapshot for all it missed, and refuses another plan', () => {
    const s = store()
    s.toggle(0, 8)
    expect(
      s.receive({
        event: 'snapshot',
        id: '9',
        data: JSON.stringify({ states: 'bhaaa', version: 9, plan: 1 }),
      }),
    ).toBe(true)
    expect(s.states.join('')).toBe('bhaaa')
    expect(s.lost).toEqual([0])
    expect(
      s.receive({
        event: 'snapshot',
        id: '10',
        data: JSON.stringify({ states: 'aa', version: 10, plan: 2 }),
      }),
    ).toBe(false)
  })
  it('keeps within the limit and off taken seats', () => {
    const s = store('abaaa')
    expect([s.toggle(1, 1), s.toggle(0, 1), s.toggle(2, 1), s.toggle(0, 1)]).toEqual([
      'taken',
      'chosen',
      'full',
      'dropped',
    ])
  })
  it('sees a seat left alone', () => {
    expect(orphans(layout, [...'aaaaa'] as SeatState[], new Set([1, 2]))).toEqual([0])
    expect(orphans(layout, [...'aaaaa'] as SeatState[], new Set([0, 1]))).toEqual([])
  })
})

describe('the camera', () => {
  it('fits and zooms around a point', () => {
    const camera = fit({ left: 0, top: 0, right: 100, bottom: 50 }, 220, 200, 10)
    expect(camera.k).toBe(2)
    const nearer = zoomAt(camera, 2, 50, 60, 0.1, 10)
    expect((50 - nearer.dx) / nearer.k).toBeCloseTo((50 - camera.dx) / camera.k)
    expect(zoomAt(camera, 100, 0, 0, 0.1, 10).k).toBe(10)
  })
})

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

describe('times and dates', () => {
  it.each([
    ['2027-01-10T20:00', 'Europe/Berlin', '2027-01-10T19:00:00.000Z'],
    ['2027-07-10T20:00', 'America/New_York', '2027-07-11T00:00:00.000Z'],
    ['2027-03-28T03:30', 'Europe/Berlin', '2027-03-28T01:30:00.000Z'],
  ])('%s in %s', (local, zone, utc) => {
    expect(utcFromLocal(local, zone)).toBe(utc)
    expect(localFromUtc(utc, zone)).toBe(local)
  })
  it('sends the day where the buyer is', () => {
    expect(today(new Date(2026, 10, 24, 18))).toEqual({ from: '2026-11-24', to: '2026-11-24' })
  })
  it('knows the weekend and the month', () => {
    expect(weekend(new Date(2026, 10, 24))).toEqual({ from: '2026-11-27', to: '2026-11-29' })
    expect(weekend(new Date(2026, 10, 28))).toEqual({ from: '2026-11-28', to: '2026-11-29' })
    expect(month('2027-02')).toEqual({ from: '2027-02-01', to: '2027-02-28' })
  })
})
