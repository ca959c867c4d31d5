import type { components } from '../api/search.gen'
import { day, dayRange, place, time } from '../i18n/format'

type Parts = components['schemas']
type FoundEvent = Parts['FoundEvent']

/** An event in a list: a search result, or an event of the catalogue. */
export interface Hit
  extends
    Pick<FoundEvent, 'id' | 'name' | 'category' | 'startsAt' | 'endsAt' | 'timeZone' | 'image'>,
    Partial<Pick<FoundEvent, 'online'>> {
  venue: Omit<Parts['FoundVenue'], 'id'>
  priceFrom?: Parts['Money']
  availability?: Pick<Parts['FoundAvailability'], 'available' | 'status'>
  /** The name with the matches in <mark>. */
  highlight?: string
}

export function hitOfFound(found: FoundEvent): Hit {
  return {
    ...found,
    priceFrom: found.price?.from,
    availability: found.price ? found.availability : undefined,
    highlight: found.highlights.name?.[0],
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

/** Splits escaped text at <mark> and </mark>: every second part is a match. */
export const splitHighlight = (text: string): string[] => text.split(/<\/?mark>/).map(unescape)
