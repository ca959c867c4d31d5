import type { Event } from '../api/client'
import { splitHighlight, whenShort, whereShort, type Hit } from '../listing/hit'
import { day, money, time } from '../i18n/format'

/** The texts that the shell needs before the catalogue has loaded. */
export interface Words {
  headline: string
  online: string
  from: string
  free: string
  few: string
  soldOut: string
}

/** The fields that the shell reads from an event page's JSON-LD. */
export interface LinkedEvent {
  name: string
  description?: string
}

/** Creates an element from a tag and classes, such as 'p.small.muted'. */
function element(selector: string, ...content: (Node | string)[]): HTMLElement {
  const [tag = 'div', ...classes] = selector.split('.')
  const made = document.createElement(tag)
  made.className = classes.join(' ')
  made.append(...content)
  return made
}

function skeleton(width: string, height = '1.25rem', radius = ''): HTMLElement {
  const made = element('div.skeleton')
  Object.assign(made.style, { width, height, borderRadius: radius })
  return made
}

const name = (tag: string, ...content: (Node | string)[]) => Object.assign(element(tag, ...content), { dir: 'auto' })

export function eventShell({ name: called, description }: LinkedEvent): HTMLElement {
  const title = element('div.event-title', element('div.skeleton.event-kind'), name('h1', called))
  if (description) title.append(name('p.event-description', description))
  return element('div.event-page', element('div.event-hero', element('div.poster.skeleton.event-poster'), title))
}

/** Placeholders of the search page: search box, tools, active filters and rows, at their final positions. */
export function searchShell(query: URLSearchParams): HTMLElement {
  const head = element(
    'div.search-head',
    element('div.search-box', query.get('q') ?? ''),
    element(
      'div.cluster.between',
      skeleton('8rem', '1.6rem'),
      element('div.cluster.search-tools', skeleton('9rem', '2.5rem'), ...pills(['5.1rem', '5.9rem'])),
    ),
  )
  const filters = ['category', 'city', 'from', 'minPrice', 'near', 'available'].filter((key) => query.has(key))
  if (filters.length > 0) head.append(element('div.chips', ...pills(filters.map(() => '8rem'))))
  const waiting = [1, 2, 3, 4].map(() =>
    element(
      'li.event-row',
      element('div.poster.skeleton'),
      element('div.stack-s', skeleton('30%'), skeleton('70%', '1.5rem'), skeleton('45%')),
    ),
  )
  return element(
    'div.page',
    head,
    element(
      'div.search-layout',
      element('div.search-filters.search-filters-side', ...['', '', ''].map(() => skeleton('100%', '7rem'))),
      element('ul.event-list', ...waiting),
    ),
  )
}

const pills = (widths: string[]) => widths.map((width) => skeleton(width, '2.5rem', '999px'))

/** Result rows with the markup of features/events/EventCard. The app draws the posters. */
export function showRows(page: HTMLElement, hits: Hit[], words: Words): void {
  const list = page.querySelector('.event-list')
  // More than eight rows do not fit on the screen.
  list?.replaceChildren(...hits.slice(0, 8).map((hit) => element('li', row(hit, words))))
}

function row(hit: Hit, words: Words): HTMLElement {
  const title = name('h2')
  for (const [i, text] of (hit.highlight ? splitHighlight(hit.highlight) : [hit.name]).entries())
    title.append(i % 2 ? element('mark', text) : text)
  const when = element('span.small.strong', whenShort(hit))
  const side = element('span.event-row-side')
  const left = { available: '', few: words.few, sold_out: words.soldOut }[hit.availability?.status ?? 'available']
  if (left) side.append(element(hit.availability?.status === 'few' ? 'span.tag.tag-warn' : 'span.tag', left))
  if (hit.priceFrom)
    side.append(
      element(
        'span.small',
        hit.priceFrom.amount === 0 ? words.free : words.from.replace('{price}', money(hit.priceFrom)),
      ),
    )
  return Object.assign(
    element(
      'a.event-row',
      element('div.poster.skeleton'),
      element('div.stack-s', when, title, element('span.small.muted', whereShort(hit, words.online))),
      side,
    ),
    { href: `/events/${hit.id}` },
  )
}

/** The picker page's heading, beside a placeholder for the seat map. */
export function pickerShell(event: Event): HTMLElement {
  const seated = event.ticketTypes.some((type) => type.seated)
  const where = `${day(event.startsAt, event.timeZone)} · ${time(event.startsAt, event.timeZone)} · ${event.venue.name}`
  const side = element(
    'div.picker-side',
    element(
      'header.picker-head',
      element('span.icon-button'),
      element('div', name('h1', event.name), element('p.small.muted', where)),
    ),
    skeleton('100%', '8.3rem', 'var(--radius-m)'),
  )
  return seated
    ? element('div.picker', element('div.picker-map.skeleton'), side)
    : element('div.picker.picker-plain', side)
}
