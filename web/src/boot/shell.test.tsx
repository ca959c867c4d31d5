import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { Event } from '../api/client'
import { EventRow } from '../features/events/EventCard'
import type { Hit } from '../listing/hit'
import { PickerPage } from '../features/purchase/PickerPage'
import { concert, euro, seatMap, seatPlan, serve, show } from '../testing'
import { eventShell, pickerShell, searchShell, showRows, type Words } from './shell'

const words: Words = {
  headline: '',
  online: 'Online',
  from: 'From {price}',
  free: 'Free',
  few: 'Few left',
  soldOut: 'Sold out',
}

const hit: Hit = { ...concert, priceFrom: euro(2500), availability: { available: 5, status: 'available' } }

it.each<[string, Partial<Hit>]>([
  ['plain', {}],
  ['of several days', { endsAt: new Date(Date.parse(concert.startsAt) + 3 * 86_400_000).toISOString() }],
  ['online, for nothing', { online: true, venue: { name: '', city: '', country: '' }, priceFrom: euro(0) }],
  ['nearly gone', { availability: { available: 2, status: 'few' } }],
  ['gone', { availability: { available: 0, status: 'sold_out' } }],
  ['without tickets of ours', { priceFrom: undefined, availability: undefined }],
  ['with words that were found', { highlight: 'Tom &amp; <mark>Jerry</mark> &lt;b&gt;' }],
])('shows a result that is %s in the words of the app', async (_, patch) => {
  await show(<EventRow hit={{ ...hit, ...patch }} />)
  const theirs = screen.getByRole('link')
  const page = searchShell(new URLSearchParams('q=jerry'))
  showRows(page, [{ ...hit, ...patch }], words)
  const ours = page.querySelector('a')!
  expect(ours.textContent).toBe(theirs.textContent)
  expect(ours.getAttribute('href')).toBe(theirs.getAttribute('href'))
  expect(ours.querySelector('mark')?.textContent).toBe(theirs.querySelector('mark')?.textContent)
  expect(ours.querySelectorAll('b')).toHaveLength(0)
})

it('keeps the place of what is filtered by', () => {
  expect(searchShell(new URLSearchParams('q=a&sort=date')).querySelectorAll('.chips > *')).toHaveLength(0)
  expect(
    searchShell(new URLSearchParams('city=Wien&maxPrice=1&minPrice=0')).querySelectorAll('.chips > *'),
  ).toHaveLength(2)
})

it('says what the tickets are for as the picker does', async () => {
  serve({
    'GET /api/v1/events/e1': concert,
    'GET /api/v1/events/e1/plan': seatPlan,
    'GET /api/v1/events/e1/seats': seatMap,
    'GET /api/v1/events/e1/seats/stream': new Response(new ReadableStream()),
  })
  await show(<PickerPage />, '/events/$id/tickets', { id: 'e1' })
  const theirs = (await screen.findByRole('heading', { level: 1 })).closest('header')!
  const head = pickerShell(concert as Event)
  expect(head.querySelector('header')!.textContent).toBe(theirs.textContent)
  expect(head.querySelector('.picker-map')).not.toBeNull()
  const unseated = { ...concert, ticketTypes: concert.ticketTypes.map((type) => ({ ...type, seated: false })) } as Event
  expect(pickerShell(unseated).querySelector('.picker-map')).toBeNull()
})

it('shows what an event is about as text', () => {
  const { container } = render(<div />)
  container.append(eventShell({ name: 'Tom & <b>Jerry</b>', description: '<script>1</script>' }))
  expect(screen.getByRole('heading')).toHaveTextContent('Tom & <b>Jerry</b>')
  expect(container.querySelectorAll('b, script')).toHaveLength(0)
})
