import { useSyncExternalStore } from 'react'
import type { Hold } from '../../api/client'

/**
 * The cart is the hold on the server, with its deadline. The browser stores only its id and its units,
 * to offer the same seats again after it has expired.
 */
export type Cart =
  | { kind: 'empty' }
  | {
      kind: 'held'
      hold: string
      event: string
      units: string[]
      expiresAt: string
      total: Hold['total']
      booking?: string
    }
  | { kind: 'expired'; event: string; units: string[] }

type Action =
  { type: 'hold'; hold: Hold } | { type: 'expired' } | { type: 'released' } | { type: 'finished'; hold?: string }

export function reduce(cart: Cart, action: Action): Cart {
  switch (action.type) {
    case 'hold': {
      const { hold } = action
      if (hold.status === 'expired') return { kind: 'expired', event: hold.event, units: hold.units.map((u) => u.unit) }
      if (hold.status === 'released' || hold.status === 'booked' || hold.units.length === 0) return { kind: 'empty' }
      return {
        kind: 'held',
        hold: hold.id,
        event: hold.event,
        units: hold.units.map((u) => u.unit),
        // The deadline is never extended, in whatever order responses arrive.
        expiresAt:
          cart.kind === 'held' && cart.hold === hold.id && cart.expiresAt < hold.expiresAt
            ? cart.expiresAt
            : hold.expiresAt,
        total: hold.total,
        booking: hold.booking,
      }
    }
    case 'expired':
      return cart.kind === 'held' ? { kind: 'expired', event: cart.event, units: cart.units } : cart
    case 'released':
      return { kind: 'empty' }
    case 'finished':
      return cart.kind === 'held' && action.hold && cart.hold !== action.hold ? cart : { kind: 'empty' }
  }
}

const KEY = 'foyer.cart'
const listeners = new Set<() => void>()
let raw: string | null | undefined
let parsed: Cart = { kind: 'empty' }

function read(): Cart {
  const now = localStorage.getItem(KEY)
  if (now !== raw) {
    raw = now
    try {
      parsed = now ? (JSON.parse(now) as Cart) : { kind: 'empty' }
    } catch {
      parsed = { kind: 'empty' }
    }
  }
  return parsed
}

export function dispatch(action: Action): void {
  const next = reduce(read(), action)
  if (next.kind === 'empty') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, JSON.stringify(next))
  listeners.forEach((listener) => listener())
}

export const currentCart = read

export function useCart(): Cart {
  return useSyncExternalStore((changed) => {
    listeners.add(changed)
    addEventListener('storage', changed) // another tab
    return () => {
      listeners.delete(changed)
      removeEventListener('storage', changed)
    }
  }, read)
}
