import { beforeEach, expect, it, vi } from 'vitest'
import { changeLocale, loadOfficeTexts, startI18n } from './index'
import { textNow } from './text'

const missing = () => Promise.reject(new TypeError('Failed to fetch dynamically imported module'))
vi.mock('./locales/de.json', () => missing())
vi.mock('./locales/ar.json', () => missing())
vi.mock('./locales/office.fr.json', () => missing())

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
})

async function start(locale: string) {
  document.documentElement.lang = locale
  document.documentElement.dir = locale === 'ar' ? 'rtl' : 'ltr'
  await startI18n()
  return textNow()
}

it.each(['de', 'ar'])('without its catalogue a page in %s is English', async (locale) => {
  const t = await start(locale)
  expect(t('nav.home')).toBe('Home')
  expect(document.documentElement).toHaveAttribute('lang', 'en')
  expect(document.documentElement).toHaveAttribute('dir', 'ltr')
})

it('without their catalogue the office pages are English, the rest stays', async () => {
  const t = await start('fr')
  await loadOfficeTexts()
  expect(t.find('admin.users')).toBeUndefined()
  expect(textNow('office').find('admin.users')).toBe('Users')
  expect(textNow()('nav.home')).toBe('Accueil')
  expect(document.documentElement).toHaveAttribute('lang', 'fr')
})

it('a language that cannot be loaded is not changed to', async () => {
  await start('fr')
  await changeLocale('de')
  expect(textNow()('nav.home')).toBe('Accueil')
  expect(document.documentElement).toHaveAttribute('lang', 'fr')
  expect(localStorage.getItem('foyer.locale')).toBeNull()
})
