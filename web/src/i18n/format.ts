import type { Money } from '../api/client'
import { currentLocale } from './locale'

const cache = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>()

function cached<T extends Intl.DateTimeFormat | Intl.NumberFormat>(key: string, make: () => T): T {
  let format = cache.get(key) as T | undefined
  if (!format) cache.set(key, (format = make()))
  return format
}

function date(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = currentLocale()
  return cached(locale + JSON.stringify(options), () => {
    try {
      return new Intl.DateTimeFormat(locale, options)
    } catch {
      return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' }) // a zone this browser does not know
    }
  })
}

/** How many minor units make one; 0 for yen and dong. */
export function minorDigits(currency: string): number {
  return cached(
    `digits${currency}`,
    () => new Intl.NumberFormat('en', { style: 'currency', currency }),
  ).resolvedOptions().maximumFractionDigits!
}

export function money({ amount, currency }: Money): string {
  const digits = minorDigits(currency)
  const value = amount / 10 ** digits
  const whole = Number.isInteger(value)
  const locale = currentLocale()
  return cached(
    `${locale}${currency}${whole}`,
    () => new Intl.NumberFormat(locale, { style: 'currency', currency, minimumFractionDigits: whole ? 0 : digits }),
  ).format(value)
}

export function number(value: number): string {
  const locale = currentLocale()
  return cached(locale, () => new Intl.NumberFormat(locale)).format(value)
}

/** The year, where a day without one could be taken for one of another year. */
function farYear(iso: string): Intl.DateTimeFormatOptions {
  const tenMonths = 300 * 86_400_000
  return Math.abs(new Date(iso).getTime() - Date.now()) > tenMonths ? { year: 'numeric' } : {}
}

export const day = (iso: string, timeZone: string) =>
  date({ weekday: 'short', day: 'numeric', month: 'short', ...farYear(iso), timeZone }).format(new Date(iso))

export const longDay = (iso: string, timeZone: string) =>
  date({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone }).format(new Date(iso))

export const time = (iso: string, timeZone: string) =>
  date({ hour: 'numeric', minute: '2-digit', timeZone }).format(new Date(iso))

export const dayTime = (iso: string, timeZone?: string) =>
  date({
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...farYear(iso),
    hour: 'numeric',
    minute: '2-digit',
    timeZone,
  }).format(new Date(iso))

export const moment = (iso: string) => date({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))

/** The venue's time, and the viewer's beside it when the clocks differ at that moment. */
export function viewerTime(iso: string, timeZone: string): string | null {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const clock = (zone: string) => {
    try {
      return new Intl.DateTimeFormat('en', { dateStyle: 'short', timeStyle: 'short', timeZone: zone }).format(
        new Date(iso),
      )
    } catch {
      return ''
    }
  }
  if (!here || clock(here) === clock(timeZone)) return null
  return dayTime(iso, here)
}

export function zoneName(iso: string, timeZone: string): string {
  const parts = date({ timeZoneName: 'short', timeZone }).formatToParts(new Date(iso))
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? timeZone
}

/** Whole-day events that last several days are told by their days, not by the hour. */
export function dayRange(startsAt: string, endsAt: string, timeZone: string): string {
  const format = date({ weekday: 'short', day: 'numeric', month: 'short', ...farYear(startsAt), timeZone })
  return format.formatRange(new Date(startsAt), new Date(endsAt))
}

export const monthName = (month: string) =>
  date({ month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`))

export function country(code: string): string {
  try {
    return new Intl.DisplayNames([currentLocale()], { type: 'region' }).of(code) ?? code
  } catch {
    return code
  }
}

/** "Berlin, Germany" in the order and with the comma of the language. */
export function place(venue: { city: string; country: string }): string {
  const parts = [venue.city, venue.country ? country(venue.country) : ''].filter(Boolean)
  return parts.join(currentLocale() === 'ar' ? '، ' : currentLocale() === 'ja' ? '、' : ', ')
}
