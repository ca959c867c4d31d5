/**
 * Runs before the first paint, so it does as little as possible: it sets language, direction and theme, requests the
 * page's data and the app's files, and shows the known content of the page at its final position.
 */
import type { components as Catalog } from '../api/catalog.gen'
import { sameAddress, type PrefetchedAnswer } from '../api/prefetched'
import type { components as Search } from '../api/search.gen'
import { hitOfFound } from '../listing/hit'
import { applyLocale, localeOf, type Locale } from '../i18n/locale'
import { eventShell, pickerShell, searchShell, showRows, type LinkedEvent, type Words } from './shell'

declare const __WORDS__: Record<Locale, Words>
declare const __FILES__: Partial<Record<string, string[]>>

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null // storage may be denied
  }
}

const root = document.documentElement
const locale = localeOf([stored('foyer.locale'), ...navigator.languages])
const words = __WORDS__[locale]
applyLocale(locale)
const theme = stored('foyer.theme')
if (theme === 'dark' || theme === 'light') root.dataset.theme = theme

const path = location.pathname
const [, event, picker] = /^\/events\/([0-9a-f-]{36})(\/tickets)?$/.exec(path) ?? []
const page = path === '/' ? 'home' : path === '/search' ? 'search' : picker ? 'tickets' : event ? 'event' : ''
const files = [...(__FILES__[locale] ?? []), ...(__FILES__[page] ?? [])]
const isStyle = (file: string) => file.endsWith('.css')

/** Resolves when the parser has reached the shell; DOMContentLoaded comes only after the app's scripts. */
const shell = new Promise<Element>((found) =>
  new MutationObserver((_, observer) => {
    const place = document.getElementById('shell')
    if (!place) return
    observer.disconnect()
    // After the app's style sheets, where Vite would insert them.
    for (const href of files.filter(isStyle))
      document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href }))
    found(place)
  }).observe(root, { childList: true, subtree: true }),
)
const show = (part: Element | undefined) => void shell.then((place) => place.replaceChildren(...(part ? [part] : [])))

/** The API response that the service embedded in the page. */
function embeddedAnswer(address: string): string | undefined {
  const all = document.querySelectorAll<HTMLScriptElement>('script[data-address]')
  return [...all].find((script) => sameAddress(script.dataset.address ?? '', address))?.text
}

/** Starts a request that the app will make. The app uses the response; onData reads a copy. */
const prefetched: PrefetchedAnswer[] = (window.foyerPrefetched = [])
function prefetch<T>(address: string, onData?: (data: T) => void): void {
  const embedded = embeddedAnswer(address)
  const answer = embedded ? Promise.resolve(new Response(embedded)) : fetch(address)
  prefetched.push({ address, sent: Date.now(), answer })
  if (embedded) return onData?.(JSON.parse(embedded) as T)
  answer.then((response) => (onData && response.ok ? response.clone().json().then(onData) : undefined)).catch(() => {}) // the app repeats the request and shows the error
}

if (page === 'home') {
  void shell.then((place) => place.querySelector('h1')?.append(words.headline))
  prefetch('/api/v1/search?sort=date&limit=12')
} else if (page === 'search') {
  const query = new URLSearchParams(location.search)
  const head = searchShell(query)
  show(head)
  query.delete('view')
  query.set('limit', '20')
  prefetch<Search['schemas']['SearchPage']>(`/api/v1/search?${query.toString()}`, ({ items }) =>
    showRows(head, items.map(hitOfFound), words),
  )
} else if (event) {
  const api = `/api/v1/events/${event}`
  const linkedData = document.querySelector('script[type="application/ld+json"]')
  show(linkedData && !picker ? eventShell(JSON.parse(linkedData.textContent) as LinkedEvent) : undefined)
  prefetch<Catalog['schemas']['Event']>(api, picker ? (event) => show(pickerShell(event)) : undefined)
  if (picker) {
    prefetch(`${api}/plan`)
    prefetch(`${api}/seats?units=runs`)
  }
} else show(undefined)
prefetch('/auth/session')

// Preloads the modules that the app will import. Last, because browsers limit connections and data is more urgent.
for (const href of files)
  document.head.append(
    Object.assign(
      document.createElement('link'),
      isStyle(href) ? { rel: 'preload', as: 'style' } : { rel: 'modulepreload' },
      { href },
    ),
  )
