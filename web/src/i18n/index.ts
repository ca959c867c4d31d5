import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { compiledMessages } from './message'

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

type Catalogue = Record<string, unknown>
const catalogues = import.meta.glob<Catalogue>('./locales/*.json', { import: 'default' })
const load = async (name: string): Promise<Catalogue> => (await catalogues[`./locales/${name}.json`]?.()) ?? {}

/** The language in use, as boot.js chose it before the first paint. */
export function currentLocale(): Locale {
  const lang = document.documentElement.lang.slice(0, 2)
  return isLocale(lang) ? lang : 'en'
}

export async function startI18n(): Promise<void> {
  const locale = currentLocale()
  await i18next
    .use(compiledMessages)
    .use(initReactI18next)
    .init({
      lng: locale,
      fallbackLng: false,
      resources: { [locale]: { app: await load(locale) } },
      defaultNS: 'app',
      ns: ['app'],
      interpolation: { escapeValue: false },
      returnNull: false,
    })
}

/** Merchant and admin pages bring their own words. */
export async function loadOffice(): Promise<void> {
  const locale = currentLocale()
  if (!i18next.hasResourceBundle(locale, 'office')) {
    i18next.addResourceBundle(locale, 'office', await load(`office.${locale}`))
  }
}

export async function changeLocale(locale: Locale): Promise<void> {
  const hadOffice = i18next.hasResourceBundle(currentLocale(), 'office')
  document.documentElement.lang = locale
  document.documentElement.dir = locale === 'ar' ? 'rtl' : 'ltr'
  localStorage.setItem('foyer.locale', locale)
  i18next.addResourceBundle(locale, 'app', await load(locale))
  if (hadOffice) await loadOffice()
  await i18next.changeLanguage(locale)
}
