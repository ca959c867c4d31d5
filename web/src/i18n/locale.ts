export const locales = ['en', 'de', 'es', 'fr', 'vi', 'ja', 'ar'] as const
export type Locale = (typeof locales)[number]

const isLocale = (value: string): value is Locale => (locales as readonly string[]).includes(value)

/** The first supported language of a list of tags, by primary subtag. */
export const localeOf = (wanted: readonly (string | null | undefined)[]): Locale =>
  wanted.map((tag) => tag?.slice(0, 2) ?? '').find(isLocale) ?? 'en'

/** The current language, which boot set before the first paint. */
export const currentLocale = (): Locale => localeOf([document.documentElement.lang])

export function applyLocale(locale: Locale): void {
  document.documentElement.lang = locale
  document.documentElement.dir = locale === 'ar' ? 'rtl' : 'ltr'
}
