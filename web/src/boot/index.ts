/**
 * In the way of the first paint, so as little as it takes: language, direction and theme; the page's data and the
 * app's files, asked for beside the app; and what is known of the page, shown where the app will show it.
 */
import type { components as Catalog } from '../api/catalog.gen'
import { sameAddress, type Early } from '../api/early'
import type { components as Search } from '../api/search.gen'
import { hitOfFound } from '../features/search/hit'
import { applyLocale, localeOf, type Locale } from '../i18n/locale'
import { aboutEvent, headOfPicker, headOfSearch, rows, type About, type Words } from './shell'

declare const __WORDS__: Record<Locale, Words>
declare const __FILES__: Partial<Record<string, string[]>>

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null // storage may be denied
  }
}

const root = document.documentElement
const locale = localeOf([kept('foyer.locale'), ...navigator.languages])
const words = __WORDS__[locale]
applyLocale(locale)
const theme = kept('foyer.theme')
if (theme === 'dark' || theme === 'light') root.dataset.theme = theme

const path = location.pathname
const [, event, picker] = /^\/events\/([0-9a-f-]{36})(\/tickets)?$/.exec(path) ?? []
const page = path === '/' ? 'home' : path === '/search' ? 'search' : picker ? 'tickets' : event ? 'event' : ''
const files = [...(__FILES__[locale] ?? []), ...(__FILES__[page] ?? [])]
const isStyle = (file: string) => file.endsWith('.css')

/** As soon as the parser has the shell: DOMContentLoaded would come after the app's own scripts. */
const shell = new Promise<Element>((found) =>
  new MutationObserver((_, observer) => {
    const place = document.getElementById('shell')
    if (!place) return
    observer.disconnect()
    // After the app's own styles, where the app would have put them.
    for (const href of files.filter(isStyle))
      document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href }))
    found(place)
  }).observe(root, { childList: true, subtree: true }),
)
const show = (part: Element | undefined) => void shell.then((place) => place.replaceChildren(...(part ? [part] : [])))

/** What the page brought: a service that serves one puts the API's own answer into it. */
function brought(address: string): string | undefined {
  const all = document.querySelectorAll<HTMLScriptElement>('script[data-address]')
  return [...all].find((script) => sameAddress(script.dataset.address ?? '', address))?.text
}

/** Asks what the app will ask, for the app; what is done with the answer here is done with a copy. */
const early: Early[] = (window.foyerEarly = [])
function ask<T>(address: string, took?: (data: T) => void): void {
  const there = brought(address)
  const answer = there ? Promise.resolve(new Response(there)) : fetch(address)
  early.push({ address, sent: Date.now(), answer })
  if (there) return took?.(JSON.parse(there) as T)
  answer.then((response) => (took && response.ok ? response.clone().json().then(took) : undefined)).catch(() => {}) // the app asks again, and says what is wrong
}

if (page === 'home') {
  void shell.then((place) => place.querySelector('h1')?.append(words.headline))
  ask('/api/v1/search?sort=date&limit=12')
} else if (page === 'search') {
  const query = new URLSearchParams(location.search)
  const head = headOfSearch(query)
  show(head)
  query.delete('view')
  query.set('limit', '20')
  ask<Search['schemas']['SearchPage']>(`/api/v1/search?${query.toString()}`, ({ items }) =>
    rows(head, items.map(hitOfFound), words),
  )
} else if (event) {
  const api = `/api/v1/events/${event}`
  const told = document.querySelector('script[type="application/ld+json"]')
  show(told && !picker ? aboutEvent(JSON.parse(told.textContent) as About) : undefined)
  ask<Catalog['schemas']['Event']>(api, picker ? (event) => show(headOfPicker(event)) : undefined)
  if (picker) {
    ask(`${api}/plan`)
    ask(`${api}/seats?units=runs`)
  }
} else show(undefined)
ask('/auth/session')

// What the app will import is fetched beside it, not after it; but browsers open few connections, and data comes first.
for (const href of files)
  document.head.append(
    Object.assign(
      document.createElement('link'),
      isStyle(href) ? { rel: 'preload', as: 'style' } : { rel: 'modulepreload' },
      { href },
    ),
  )
