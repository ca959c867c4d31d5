import type { components } from '../../api/waitingroom.gen'
import { serverNow } from '../../live/clock'

export type Pass = components['schemas']['Admission']

/** The admission pass for an event's sale; survives reloads. */
export function storedPass(event: string): Pass | null {
  try {
    const stored = JSON.parse(localStorage.getItem(`foyer.pass.${event}`) ?? 'null') as Pass | null
    return stored && Date.parse(stored.expiresAt) > serverNow() ? stored : null
  } catch {
    return null
  }
}

export function storePass(event: string, pass: Pass): void {
  localStorage.setItem(`foyer.pass.${event}`, JSON.stringify(pass))
}

/** The place in an event's line, which is exchanged for a pass; kept through reloads. */
const placeKey = (event: string) => `foyer.place.${event}`

export const storedPlace = (event: string) => localStorage.getItem(placeKey(event)) ?? ''
export const storePlace = (event: string, place: string) => localStorage.setItem(placeKey(event), place)
export const forgetPlace = (event: string) => localStorage.removeItem(placeKey(event))
