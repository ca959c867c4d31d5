import { applyLocale, currentLocale, type Locale } from './locale'
import { isLoaded, setTexts, type Namespace, type Texts } from './text'

export { currentLocale, locales, type Locale } from './locale'

/** The name of each language in that language. */
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

/** A catalogue's texts. A failed import is tried once more: the network drops single requests. */
async function load(namespace: Namespace, locale: Locale): Promise<Texts> {
  const catalogue = catalogues[`./locales/${namespace === 'office' ? 'office.' : ''}${locale}.json`]!
  return catalogue().catch(catalogue)
}

/** The English texts of a namespace, to stand in for a catalogue that could not be loaded. */
async function loadEnglish(namespace: Namespace, error: unknown): Promise<Texts> {
  console.error(`no ${namespace} texts in ${currentLocale()}`, error)
  return load(namespace, 'en').catch(() => ({}))
}

/** Loads the texts of the language in use. Without its catalogue the whole page is English, direction and dates too. */
export async function startI18n(): Promise<void> {
  const locale = currentLocale()
  try {
    setTexts(locale, { app: await load('app', locale) })
  } catch (error) {
    const english = await loadEnglish('app', error)
    applyLocale('en')
    setTexts('en', { app: english })
  }
}

/** Merchant and admin pages have a namespace of their own. */
export async function loadOfficeTexts(): Promise<void> {
  const locale = currentLocale()
  if (isLoaded(locale, 'office')) return
  setTexts(locale, { office: await load('office', locale).catch((error) => loadEnglish('office', error)) })
}

/** Changes the language and remembers the choice. The language stays as it is when the new texts cannot be loaded. */
export async function changeLocale(locale: Locale): Promise<void> {
  const office = isLoaded(currentLocale(), 'office')
  try {
    const texts = { app: await load('app', locale), ...(office && { office: await load('office', locale) }) }
    applyLocale(locale)
    localStorage.setItem('foyer.locale', locale)
    setTexts(locale, texts)
  } catch (error) {
    console.error(`no texts in ${locale}`, error)
  }
}
