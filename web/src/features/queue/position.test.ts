import { describe, expect, it } from 'vitest'
import { advance, etaRange, type Place } from './position'

describe('the queue', () => {
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
