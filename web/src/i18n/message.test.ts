import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { act, render as show } from '@testing-library/react'
import { createElement } from 'react'
import { describe, expect, it, vi } from 'vitest'
import { compile, withFallback, type Catalogue } from '../../tools/catalogues'
import { changeLocale, loadOfficeTexts, startI18n } from './index'
import { render } from './message'
import { textNow, useText } from './text'

const dir = path.join(import.meta.dirname, 'locales')
const message = (text: string) => compile({ text }).text as Parameters<typeof render>[0]

it.each(readdirSync(dir))('%s compiles', (file) => {
  const written = JSON.parse(readFileSync(path.join(dir, file), 'utf8')) as Catalogue
  expect(() => compile(written)).not.toThrow()
})

it('says where a message is that does not parse', () => {
  expect(() => compile({ cart: { count: '{count, plural, one {# ticket}}' } })).toThrow(/cart\.count/)
})

it('a text that a language lacks is shipped in English', () => {
  const english = { nav: { home: 'Home', back: 'Back' }, save: 'Save' }
  expect(withFallback({ nav: { home: 'Start' } }, english)).toEqual({
    nav: { home: 'Start', back: 'Back' },
    save: 'Save',
  })
  expect(withFallback({}, english)).toEqual(english)
})

describe('a compiled message', () => {
  it('without a name in it is plain text', () => {
    expect(message('It is {open}')).not.toBeTypeOf('string')
    expect(message("It''s '{open}'")).toBe("It's {open}")
  })

  const tickets = message('{count, plural, =0 {none} one {# ticket} other {# tickets}}')
  it.each([
    [0, 'none'],
    [1, '1 ticket'],
    [1200, '1,200 tickets'],
  ])('counts %d in English', (count, text) => expect(render(tickets, 'en', { count })).toBe(text))

  const arabic = message(
    '{count, plural, zero {صفر} one {تذكرة} two {تذكرتان} few {# تذاكر} many {# تذكرة} other {# من التذاكر}}',
  )
  it.each([
    [0, /^صفر$/],
    [1, /^تذكرة$/],
    [2, /^تذكرتان$/],
    [3, /^[3٣] تذاكر$/],
    [11, /^(11|١١) تذكرة$/],
    [100, /^(100|١٠٠) من التذاكر$/],
  ])('counts %d in Arabic', (count, text) => expect(render(arabic, 'ar', { count })).toMatch(text))

  it.each(['en', 'ar'])('selects in %s, with a name inside the choice', (locale) => {
    const seat = message('{state, select, free {{seat}: free} booked {{seat}: gone} other {{seat}}}')
    expect(render(seat, locale, { state: 'booked', seat: 'A1' })).toBe('A1: gone')
    expect(render(seat, locale, { state: 'else', seat: 'A1' })).toBe('A1')
  })
})

// The real catalogues, compiled by the build's plugin.
it.each([
  ['en', /^1 /],
  ['ar', /./],
])('the %s catalogue tells counts', async (locale, one) => {
  document.documentElement.lang = locale
  await startI18n()
  const t = textNow()
  const single = t('cart.count', { count: 1 })
  expect(single).toMatch(one)
  expect(single).not.toMatch(/[{}#]|plural/)
  expect(t('cart.count', { count: 3 })).not.toBe(single)
  expect(t('nav.home')).not.toBe('nav.home')
})

it('a missing text and a missing value show the key; a misspelt key does not compile', async () => {
  document.documentElement.lang = 'en'
  await startI18n()
  const t = textNow()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  // @ts-expect-error: no key of the English catalogue
  expect(t('no.such.text')).toBe('no.such.text')
  // @ts-expect-error: a group of texts
  expect(t('nav')).toBe('nav')
  // @ts-expect-error: a key of the office catalogue, which the app does not load
  expect(t('admin.users')).toBe('admin.users')
  expect(t('cart.count')).toBe('cart.count')
  const kind = 'theatre' as 'theatre' | 'opera'
  // @ts-expect-error: one of the keys it may be is missing
  expect(t(`category.${kind}`)).toBe('Theatre')
  expect([t.find('no.such.text'), t.find('nav'), t.find('nav.home')]).toEqual([undefined, undefined, 'Home'])
})

function Shown() {
  return `${useText()('nav.home')} ${useText('office')('admin.users')} ${useText('office')('nav.home')}`
}

it('what is on the page follows the language, and the words of the office, which come later', async () => {
  document.documentElement.lang = 'en'
  await startI18n()
  const { container } = show(createElement(Shown))
  expect(container).toHaveTextContent('Home admin.users Home')
  await act(loadOfficeTexts)
  expect(container).toHaveTextContent('Home Users Home')
  await act(() => changeLocale('de'))
  expect(container).not.toHaveTextContent(/Home|Users|admin/)
  expect(document.documentElement.lang).toBe('de')
  document.documentElement.lang = 'en'
  await startI18n()
})
