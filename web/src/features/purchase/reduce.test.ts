import { describe, expect, it } from 'vitest'
import type { Hold } from '../../api/client'
import { reduce, type Cart } from './cart'

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
