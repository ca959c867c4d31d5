import { describe, expect, it } from 'vitest'
import { fit, zoomAt } from './camera'
import { buildLayout, orphans, type SeatState, unitIds } from './layout'
import { SeatStore } from './store'

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
