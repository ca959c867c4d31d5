import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { TYPE } from '@formatjs/icu-messageformat-parser'
import { IntlMessageFormat } from 'intl-messageformat'
import { describe, expect, it } from 'vitest'
import { locales } from './index'

const dir = path.join(import.meta.dirname, 'locales')
const read = (name: string) => flatten(JSON.parse(readFileSync(path.join(dir, `${name}.json`), 'utf8')) as Tree)

interface Tree {
  [key: string]: string | Tree
}

function flatten(tree: Tree, prefix = ''): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'string' ? [[prefix + key, value]] : Object.entries(flatten(value, `${prefix}${key}.`)),
    ),
  )
}

/** The argument names of a message. */
function names(message: string, locale: string): string[] {
  const found = new Set<string>()
  const walk = (elements: ReturnType<IntlMessageFormat['getAst']>) => {
    for (const element of elements) {
      if ('value' in element && element.type !== 0) found.add(String(element.value))
      if ('options' in element)
        for (const option of Object.values(element.options)) walk((option as { value: typeof elements }).value)
    }
  }
  walk(new IntlMessageFormat(message, locale).getAst())
  return [...found].sort()
}

/** The plural forms that a message lacks for common numbers: Arabic has five, Vietnamese one. */
function lacking(message: string, locale: string): string[] {
  const rules = new Intl.PluralRules(locale)
  const needed = [...new Set([1, 2, 3, 11, 100].map((n) => rules.select(n)))]
  const found: string[] = []
  const walk = (elements: ReturnType<IntlMessageFormat['getAst']>) => {
    for (const element of elements) {
      if (!('options' in element)) continue
      if (element.type === TYPE.plural) found.push(...needed.filter((form) => !(form in element.options)))
      for (const option of Object.values(element.options)) walk((option as { value: typeof elements }).value)
    }
  }
  walk(new IntlMessageFormat(message, locale).getAst())
  return found
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name)
    if (entry.isDirectory()) return sources(full)
    return /\.tsx?$/.test(entry.name) && !/\.test\.|\.gen\./.test(entry.name) ? [readFileSync(full, 'utf8')] : []
  })
}

describe.each(['', 'office.'])('catalogues %s', (prefix) => {
  const english = read(`${prefix}en`)
  it.each(locales)('%s has every text, with the same names in it', (locale) => {
    const other = read(prefix + locale)
    expect(Object.keys(other).sort()).toEqual(Object.keys(english).sort())
    for (const [key, text] of Object.entries(other)) {
      expect(text, key).not.toBe('')
      expect(lacking(text, locale), `${key}: ${text}`).toEqual([])
      for (const name of names(text, locale)) expect(names(english[key]!, 'en'), `${key}: ${text}`).toContain(name)
    }
  })
})

it('every text that the code asks for is there', () => {
  const there = { ...read('en'), ...read('office.en') }
  const code = sources(path.join(import.meta.dirname, '..')).join('\n')
  const asked = [...code.matchAll(/\bt\(\s*'([a-z_0-9.]+)'/g)].map((m) => m[1]!)
  expect(asked.length).toBeGreaterThan(200)
  expect(asked.filter((key) => !(key in there))).toEqual([])
})
