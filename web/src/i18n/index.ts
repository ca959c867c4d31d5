import { knows, say, type Texts } from './text'

export const locales = ['en', 'de', 'es', 'fr', 'vi', 'ja', 'ar'] as const
export type Locale = (typeof locales)[number]

/** Each language by its own name. */
export const languageNames: Record<Locale, string> = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  fr: 'Français',
  vi: 'Tiếng Việt',
  ja: '日本語',
  ar: 'العربية',
}

const isLocale = (value: string): value is Locale => (locales as readonly string[]).includes(value)

const catalogues = import.meta.glob<Texts>('./locales/*.json', { import: 'default' })
const load = async (name: string): Promise<Texts> => (await catalogues[`./locales/${name}.json`]?.()) ?? {}

/** The language in use, as boot.js chose it before the first paint. */
export function currentLocale(): Locale {
  const lang = document.documentElement.lang.slice(0, 2)
  return isLocale(lang) ? lang : 'en'
}

export async function startI18n(): Promise<void> {
  const locale = currentLocale()
  say(locale, { app: await load(locale) })
}

/** Merchant and admin pages bring their own words. */
export async function loadOffice(): Promise<void> {
  const locale = currentLocale()
  if (!knows(locale, 'office')) say(locale, { office: await load(`office.${locale}`) })
}

export async function changeLocale(locale: Locale): Promise<void> {
  const [app, office] = await Promise.all([
    load(locale),
    knows(currentLocale(), 'office') ? load(`office.${locale}`) : undefined,
  ])
  document.documentElement.lang = locale
  document.documentElement.dir = locale === 'ar' ? 'rtl' : 'ltr'
  localStorage.setItem('foyer.locale', locale)
  say(locale, { app, office })
}
