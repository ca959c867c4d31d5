import type { Money } from '../api/client'
import { minorDigitsByCurrency } from './currencies.gen'
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
      return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' }) // the browser does not know this time zone
    }
  })
}

/**
 * The number of digits of a currency's minor unit by ISO 4217: 0 for yen, 2 for forint, 3 for dinar. The browser's
 * table is for display and omits decimals that are not used in practice.
 */
export const minorDigits = (currency: string): number => minorDigitsByCurrency[currency] ?? 2

/** Formats an amount in minor units; without decimals if they are all 0. */
export function money({ amount, currency }: Money): string {
  const digits = minorDigits(currency)
  const value = amount / 10 ** digits
  const shown = Number.isInteger(value) ? 0 : digits
  const locale = currentLocale()
  return cached(
    `${locale}${currency}${shown}`,
    () =>
      new Intl.NumberFormat(locale, {
        style: 'currency',
        currency,
        minimumFractionDigits: shown,
        maximumFractionDigits: shown,
      }),
  ).format(value)
}

/** Minor units as a plain decimal for a form field: 4550 EUR is "45.50", 4500 EUR "45". */
export function toDecimal(amount: number, currency: string): string {
  const digits = minorDigits(currency)
  const text = String(Math.abs(amount)).padStart(digits + 1, '0')
  const whole = text.slice(0, text.length - digits)
  const part = text.slice(text.length - digits)
  return `${amount < 0 ? '-' : ''}${whole}${Number(part) ? `.${part}` : ''}`
}

/**
 * Parses a typed price into minor units: "45.5" EUR is 4550. Undefined if it is not a number, is negative, or
 * has more decimals than the currency. Digits are moved, never multiplied, so no amount is rounded.
 */
export function fromDecimal(text: string, currency: string): number | undefined {
  const digits = minorDigits(currency)
  const match = /^(\d{1,12})(?:[.,](\d*))?$/.exec(text.trim())
  if (!match) return undefined
  const part = (match[2] ?? '').replace(/0+$/, '')
  if (part.length > digits) return undefined
  return Number(match[1] + part.padEnd(digits, '0'))
}

export function number(value: number): string {
  const locale = currentLocale()
  return cached(locale, () => new Intl.NumberFormat(locale)).format(value)
}

/** The year, if the date is not in the current year. */
function farYear(iso: string): Intl.DateTimeFormatOptions {
  const tenMonths = 300 * 86_400_000
  return Math.abs(new Date(iso).getTime() - Date.now()) > tenMonths ? { year: 'numeric' } : {}
}

export const day = (iso: string, timeZone: string) =>
  date({ weekday: 'short', day: 'numeric', month: 'short', ...farYear(iso), timeZone }).format(new Date(iso))

/** Formats a calendar day such as 2027-05-01, without a time zone; other text is returned unchanged. */
export function calendarDay(day: string): string {
  const iso = `${day}T00:00:00Z`
  if (Number.isNaN(Date.parse(iso))) return day
  return date({ day: 'numeric', month: 'short', ...farYear(iso), timeZone: 'UTC' }).format(new Date(iso))
}

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

/** The time at the viewer, if it differs from the venue's. */
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

/** Formats an event of several whole days by its days, without hours. */
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
