import { readFileSync } from 'node:fs'
import { parse, type MessageFormatElement } from '@formatjs/icu-messageformat-parser'
import type { Plugin } from 'vite'

/** A catalogue's source: ICU messages by key. */
export interface Catalogue {
  [key: string]: string | Catalogue
}

/** A compiled catalogue: plain text, or the syntax tree of a message with arguments. */
export interface Compiled {
  [key: string]: string | MessageFormatElement[] | Compiled
}

/** Parses every message; a syntax error fails the build. */
export function compile(catalogue: Catalogue, path = ''): Compiled {
  return Object.fromEntries(
    Object.entries(catalogue).map(([key, value]) => [
      key,
      typeof value === 'string' ? message(value, path + key) : compile(value, `${path}${key}.`),
    ]),
  )
}

/** A catalogue with the English text for each key that it lacks. */
export function withFallback(catalogue: Catalogue, english: Catalogue): Catalogue {
  const merged = { ...english, ...catalogue }
  for (const [key, text] of Object.entries(english)) {
    const own = catalogue[key]
    if (typeof own === 'object' && typeof text === 'object') merged[key] = withFallback(own, text)
  }
  return merged
}

function message(text: string, path: string): string | MessageFormatElement[] {
  let elements: MessageFormatElement[]
  try {
    elements = parse(text, { ignoreTag: true })
  } catch (error) {
    throw new Error(`${path}: ${text}`, { cause: error })
  }
  if (elements.length === 0) return ''
  const [only] = elements
  return elements.length === 1 && only?.type === 0 ? only.value : elements
}

/** Compiles the catalogues as they are bundled: no browser needs the parser of messages, no language lacks a text. */
export function catalogues(): Plugin[] {
  return [
    {
      name: 'foyer-catalogues',
      enforce: 'pre',
      transform: {
        filter: { id: /[\\/]i18n[\\/]locales[\\/][a-z.]+\.json$/ },
        handler(code, id) {
          const english = id.replace(/[a-z]+\.json$/, 'en.json')
          this.addWatchFile(english)
          const fallback = JSON.parse(readFileSync(english, 'utf8')) as Catalogue
          return JSON.stringify(compile(withFallback(JSON.parse(code) as Catalogue, fallback)))
        },
      },
    },
    {
      // intl-messageformat imports the parser; FormatJS provides an entry without it.
      name: 'foyer-no-parser',
      apply: 'build',
      config: () => ({
        resolve: {
          alias: [
            {
              find: /^@formatjs\/icu-messageformat-parser$/,
              replacement: '@formatjs/icu-messageformat-parser/no-parser.js',
            },
          ],
        },
      }),
    },
  ]
}
