import type { components } from '../api/search.gen'
import { day, dayRange, place, time } from '../i18n/format'

export type FoundEvent = components['schemas']['FoundEvent']

/** A found event: the event, and where the words were found. */
export interface Hit {
  id: string
  name: string
  category: string
  startsAt: string
  endsAt: string
  timeZone: string
  image?: string
  online?: boolean
  highDemand?: boolean
  venue: { name: string; city: string; country: string; location?: { lat: number; lon: number } }
  priceFrom?: { amount: number; currency: string }
  availability?: { available: number; status: 'available' | 'few' | 'sold_out' }
  highlight?: string
  distanceKm?: number
}

export function hitOfFound(found: FoundEvent): Hit {
  const highlight = found.highlights.name?.[0]
  return {
    ...found,
    priceFrom: found.price?.from,
    availability: found.price ? found.availability : undefined,
    highlight,
    distanceKm: found.distance,
  }
}

const DAY = 86_400_000
export const severalDays = (e: { startsAt: string; endsAt: string }) =>
  Date.parse(e.endsAt) - Date.parse(e.startsAt) > DAY

export function whenShort(e: Hit): string {
  if (severalDays(e)) return dayRange(e.startsAt, e.endsAt, e.timeZone)
  return `${day(e.startsAt, e.timeZone)} · ${time(e.startsAt, e.timeZone)}`
}

export function whereShort(hit: Hit, online: string): string {
  if (!hit.venue.city) return hit.online ? online : hit.venue.name
  return hit.venue.name && hit.venue.name !== hit.venue.city && hit.venue.name !== hit.name
    ? `${hit.venue.name}, ${hit.venue.city}`
    : place(hit.venue)
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'" }
const unescape = (html: string) => html.replace(/&(amp|lt|gt|quot|#34|#39);/g, (_, name: string) => entities[name]!)

/** Escaped text, split where <mark> begins and ends: every second part is a match. */
export const splitHighlight = (text: string): string[] => text.split(/<\/?mark>/).map(unescape)
