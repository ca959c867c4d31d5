import { applyLocale, currentLocale, type Locale } from './locale'
import { isLoaded, setTexts, type Texts } from './text'

export { currentLocale, locales, type Locale } from './locale'

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

const catalogues = import.meta.glob<Texts>('./locales/*.json', { import: 'default' })
const load = async (name: string): Promise<Texts> => (await catalogues[`./locales/${name}.json`]?.()) ?? {}

export async function startI18n(): Promise<void> {
  const locale = currentLocale()
  setTexts(locale, { app: await load(locale) })
}

/** Merchant and admin pages have a namespace of their own. */
export async function loadOfficeTexts(): Promise<void> {
  const locale = currentLocale()
  if (!isLoaded(locale, 'office')) setTexts(locale, { office: await load(`office.${locale}`) })
}

export async function changeLocale(locale: Locale): Promise<void> {
  const [app, office] = await Promise.all([
    load(locale),
    isLoaded(currentLocale(), 'office') ? load(`office.${locale}`) : undefined,
  ])
  applyLocale(locale)
  localStorage.setItem('foyer.locale', locale)
  setTexts(locale, { app, office })
}
