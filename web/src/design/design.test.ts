import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { tokensForKeycloak } from '../../tools/tokens.mjs'
import { planColors } from './palette'

const src = path.join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(src, file), 'utf8')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll(path.sep, '/'))
const withoutComments = (text: string) => text.replace(/\/\*[^]*?\*\//g, '')

const tokens = read('design/tokens.css')

/** A token's values: light and dark, or twice the same. */
function values(name: string): string[] {
  const [, value] = new RegExp(`--${name}: ([^;]+);`).exec(tokens) ?? []
  const [, light, dark] = /^light-dark\((\S+), (\S+)\)$/.exec(value ?? '') ?? [value, value, value]
  return [light!, dark!]
}

describe('colours', () => {
  const sources = files.filter((file) => /\.(css|tsx?)$/.test(file) && !/^design\/|\.(gen|test)\./.test(file))
  it.each(sources)('%s takes its colours from the tokens', (file) => {
    expect(withoutComments(read(file)).match(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(/gi) ?? []).toEqual([])
  })

  it('of the browser around the page are those of the page', () => {
    const themes = [...read('../index.html').matchAll(/name="theme-color" content="([^"]+)"/g)].map((match) => match[1])
    expect(themes).toEqual(values('ground'))
    const manifest = JSON.parse(read('../public/manifest.webmanifest')) as Record<string, string>
    expect([manifest.theme_color, manifest.background_color]).toEqual([values('night')[0], values('night')[0]])
  })

  it('of a new seating plan are those of the tokens', () => {
    expect(planColors.categories).toEqual(planColors.categories.map((_, i) => values(`kind-${i + 1}`)[0]))
    expect(planColors.stage).toBe(values('stage')[0])
  })
})

it('Keycloak has the tokens as they are; npm run generate renews them', () => {
  const theme = path.join(src, '..', '..', 'keycloak', 'themes', 'foyer', 'login', 'resources', 'css')
  const generated = readFileSync(path.join(theme, 'tokens.css'), 'utf8')
  expect(generated).toBe(tokensForKeycloak(tokens))
  expect(generated).not.toContain('light-dark(')
  const dark = generated.slice(generated.indexOf(':root.pf-v5-theme-dark'))
  for (const name of ['ground', 'ink', 'link']) expect(dark).toContain(`--${name}: ${values(name)[1]};`)
  const own = withoutComments(readFileSync(path.join(theme, 'foyer.css'), 'utf8'))
  expect(own.match(/#[0-9a-f]{3,8};/gi) ?? []).toEqual([])
})

describe('style sheets', () => {
  const shared = ['design/base.css', 'components/components.css']
  /** What the classes of every other sheet begin with. */
  const prefixes: Record<string, string[]> = {
    'app.css': ['app'],
    'components/timer.css': ['timer'],
    'features/bookings/bookings.css': ['booking', 'ticket'],
    'features/events/event.css': ['event'],
    'features/home/home.css': ['home'],
    'features/notifications/notifications.css': ['notifications'],
    'features/office/office.css': ['office'],
    'features/purchase/cart.css': ['cart'],
    'features/purchase/checkout.css': ['checkout'],
    'features/queue/queue.css': ['queue'],
    'features/search/search.css': ['search'],
    'features/seatmap/seatmap.css': ['picker', 'map', 'seat'],
  }

  /** The selectors of a sheet, each as its classes. */
  function selectors(file: string): string[][] {
    const rules = withoutComments(read(file))
      .replace(/@import[^;]*;/g, '')
      .replace(/@(media|supports)[^{]*\{/g, '')
    return [...rules.matchAll(/([^{};]+)\{[^}]*\}/g)]
      .flatMap(([, list]) => list!.split(','))
      .map((selector) => [...selector.matchAll(/\.([a-z][\w-]*)/g)].map((match) => match[1]!))
  }

  const ofAll = new Set([...shared, 'design/tokens.css'].flatMap(selectors).flat())
  const begins = (name: string, prefix: string) => name === prefix || name.startsWith(`${prefix}-`)

  it('are known, each with a prefix of its own', () => {
    const sheets = files.filter((file) => file.endsWith('.css') && file !== 'design/tokens.css')
    expect(sheets.sort()).toEqual([...shared, ...Object.keys(prefixes)].sort())
    const all = Object.values(prefixes).flat()
    expect(new Set(all).size).toBe(all.length)
    expect(existsSync(path.join(src, 'design/tokens.css'))).toBe(true)
  })

  it.each(Object.entries(prefixes))('%s styles nothing of other features', (file, own) => {
    const isOwn = (name: string) => own.some((prefix) => begins(name, prefix))
    const found = selectors(file)
    expect(found.length).toBeGreaterThan(2)
    expect(found.flat().filter((name) => !isOwn(name) && !ofAll.has(name))).toEqual([])
    // A selector with shared classes alone would change them everywhere.
    expect(found.filter((names) => names.length > 0 && !names.some(isOwn))).toEqual([])
  })

  it.each(shared)('%s has no class that looks like a feature’s', (file) => {
    const all = Object.values(prefixes).flat()
    expect(
      selectors(file)
        .flat()
        .filter((name) => all.some((prefix) => begins(name, prefix))),
    ).toEqual([])
  })

  it('use tokens that exist', () => {
    const sheets = files.filter((file) => file.endsWith('.css')).map(read)
    const sources = files.filter((file) => /\.tsx?$/.test(file) && !file.includes('.test.')).map(read)
    const all = [...sheets, ...sources].join('\n')
    const defined = new Set([...all.matchAll(/(?<![\w(])(--[a-z][\w-]*)['"]?\s*:/g)].map((match) => match[1]))
    const used = [...all.matchAll(/var\((--[a-z][\w-]*)\)/g)].map((match) => match[1])
    expect(used.length).toBeGreaterThan(200)
    expect(used.filter((name) => !defined.has(name))).toEqual([])
  })
})
