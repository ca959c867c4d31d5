import type { Event } from '../api/client'
import { marked, whenShort, whereShort, type Hit } from '../features/search/hit'
import { day, money, time } from '../i18n/format'

/** The few words that are shown before the catalogue of texts is there. */
export interface Words {
  headline: string
  online: string
  from: string
  free: string
  few: string
  soldOut: string
}

/** What an event's page says of it to machines. */
export interface About {
  name: string
  description?: string
}

/** An element by its tag and classes, as 'p.small.muted'. */
function part(selector: string, ...content: (Node | string)[]): HTMLElement {
  const [tag = 'div', ...classes] = selector.split('.')
  const made = document.createElement(tag)
  made.className = classes.join(' ')
  made.append(...content)
  return made
}

function bone(width: string, height = '1.25rem', radius = ''): HTMLElement {
  const made = part('div.bone')
  Object.assign(made.style, { width, height, borderRadius: radius })
  return made
}

const name = (tag: string, ...content: (Node | string)[]) => Object.assign(part(tag, ...content), { dir: 'auto' })

export function aboutEvent({ name: called, description }: About): HTMLElement {
  const title = part('div.event-title', part('div.bone.event-kind'), name('h1', called))
  if (description) title.append(name('p.description', description))
  return part('div.event-page', part('div.event-hero', part('div.poster.bone.event-poster'), title))
}

/** The box, the tools and the chips of what is filtered, where they will be; rows to come. */
export function headOfSearch(query: URLSearchParams): HTMLElement {
  const head = part(
    'div.search-head',
    part('div.search-box', query.get('q') ?? ''),
    part(
      'div.row.between',
      bone('8rem', '1.6rem'),
      part('div.row.search-tools', bone('9rem', '2.5rem'), ...pills(['5.1rem', '5.9rem'])),
    ),
  )
  const filters = ['category', 'city', 'from', 'minPrice', 'near', 'available'].filter((key) => query.has(key))
  if (filters.length > 0) head.append(part('div.chips', ...pills(filters.map(() => '8rem'))))
  const waiting = [1, 2, 3, 4].map(() =>
    part('li.event-row', part('div.poster.bone'), part('div.stack-s', bone('30%'), bone('70%', '1.5rem'), bone('45%'))),
  )
  return part(
    'div.page',
    head,
    part(
      'div.search-layout',
      part('div.filters.filters-side', ...['', '', ''].map(() => bone('100%', '7rem'))),
      part('ul.event-list', ...waiting),
    ),
  )
}

const pills = (widths: string[]) => widths.map((width) => bone(width, '2.5rem', '999px'))

/** As features/search/EventCard has them; posters are drawn by the app. */
export function rows(page: HTMLElement, hits: Hit[], words: Words): void {
  const list = page.querySelector('.event-list')
  // What does not fit on the screen would be work for nobody.
  list?.replaceChildren(...hits.slice(0, 8).map((hit) => part('li', row(hit, words))))
}

function row(hit: Hit, words: Words): HTMLElement {
  const title = name('h2')
  for (const [i, text] of (hit.highlight ? marked(hit.highlight) : [hit.name]).entries())
    title.append(i % 2 ? part('mark', text) : text)
  const when = part('span.small', whenShort(hit))
  when.style.fontWeight = '600'
  const side = part('span.side')
  const left = { available: '', few: words.few, sold_out: words.soldOut }[hit.availability?.status ?? 'available']
  if (left) side.append(part(hit.availability?.status === 'few' ? 'span.tag.tag-warn' : 'span.tag', left))
  if (hit.priceFrom)
    side.append(
      part('span.small', hit.priceFrom.amount === 0 ? words.free : words.from.replace('{price}', money(hit.priceFrom))),
    )
  return Object.assign(
    part(
      'a.event-row',
      part('div.poster.bone'),
      part('div.stack-s', when, title, part('span.small.muted', whereShort(hit, words.online))),
      side,
    ),
    { href: `/events/${hit.id}` },
  )
}

/** What the tickets are for, beside the place where the seats will be. */
export function headOfPicker(event: Event): HTMLElement {
  const seated = event.ticketTypes.some((type) => type.seated)
  const where = `${day(event.startsAt, event.timeZone)} · ${time(event.startsAt, event.timeZone)} · ${event.venue.name}`
  const side = part(
    'div.picker-side',
    part(
      'header.picker-head',
      part('span.icon-button'),
      part('div', name('h1', event.name), part('p.small.muted', where)),
    ),
    bone('100%', '8.3rem', 'var(--radius-m)'),
  )
  return seated ? part('div.picker', part('div.picker-map.bone'), side) : part('div.picker.picker-plain', side)
}
