import type { APIRequestContext } from '@playwright/test'
import { buy, callAs, tokenOf } from './people'

const day = 86_400_000
const at = (days: number, hour: number) => new Date(Math.floor(Date.now() / day + days) * day + hour * 3_600_000).toISOString()

/** Rows on an arc before a stage, as a small venue has them. */
function block(name: string, rows: number, seats: number, top: number, category: string) {
  return {
    name,
    position: { x: 400 - (seats * 26) / 2, y: top },
    rows: Array.from({ length: rows }, (_, r) => ({
      row_number: String(r + 1),
      row_number_position: 'both',
      position: { x: 0, y: r * 30 },
      seats: Array.from({ length: seats }, (_, s) => ({
        seat_guid: `${name}-${r + 1}-${s + 1}`,
        seat_number: String(s + 1),
        position: { x: s * 26, y: -0.35 * (s - (seats - 1) / 2) ** 2 },
        category,
      })),
    })),
  }
}

const stage = {
  name: 'Stage',
  position: { x: 250, y: 30 },
  rows: [],
  areas: [
    {
      shape: 'rectangle',
      color: '#17163a',
      border_color: '#17163a',
      rotation: 0,
      position: { x: 0, y: 0 },
      rectangle: { width: 300, height: 60 },
      text: { position: { x: 150, y: 30 }, color: '#ffffff', text: 'Stage' },
    },
  ],
}

const plan = {
  name: 'Great hall',
  size: { width: 800, height: 720 },
  categories: [
    { name: 'Stalls', color: '#4a45d1' },
    { name: 'Circle', color: '#0b7f7a' },
  ],
  zones: [stage, block('Stalls', 9, 18, 200, 'Stalls'), block('Circle', 4, 22, 570, 'Circle')],
}

/** A venue in mid-season: events on sale, drafts and a cancelled event. */
export interface Scenario {
  merchant: string
  buyer: string
  venue: string
  event: string
  booking: string
}

const titles = {
  phone: ['Night of the Cellos', 'The Morning Play', 'Slam at the Mill', 'Winter Circus'],
  desktop: ['Strings after Dark', 'Letters to Nobody', 'Open Mic Gala', 'The Paper Whale'],
}

/** Creates it by the API, once per screen size, since both projects run in parallel. */
export async function createScenario(request: APIRequestContext, project: 'phone' | 'desktop'): Promise<Scenario> {
  const first = project === 'phone' ? 450 : 470
  const account = (n: number) => `load-0${first + n}@foyer.test`
  const merchant = account(0)
  const admin = await tokenOf(request, 'admin@foyer.test')
  const { items } = await callAs<{ items: { account: string; email: string }[] }>(request, admin, 'GET', `/api/v1/admin/users?q=${merchant}`)
  const merchantAccount = items.find((user) => user.email === merchant)!.account
  await callAs(request, admin, 'PATCH', `/api/v1/admin/users/${merchantAccount}`, { roles: ['customer', 'merchant'] })

  const token = await tokenOf(request, merchant)
  const venue = await callAs<{ id: string }>(request, token, 'POST', '/api/v1/venues', {
    name: project === 'phone' ? 'Kulturwerk' : 'Alte Spinnerei',
    city: 'Leipzig',
    country: 'DE',
    timeZone: 'Europe/Berlin',
  })
  await callAs(request, token, 'PUT', `/api/v1/venues/${venue.id}/seating-plan`, plan)
  const price = (amount: number) => ({ amount, currency: 'EUR' })
  const seats = (stalls: number, circle: number) => [
    { name: 'Stalls', seated: true, categories: ['Stalls'], price: price(stalls) },
    { name: 'Circle', seated: true, categories: ['Circle'], price: price(circle) },
  ]
  const make = (name: string, category: string, days: number, ticketTypes: object[], more: object = {}) =>
    callAs<{ id: string }>(request, token, 'POST', '/api/v1/events', {
      name,
      venue: venue.id,
      category,
      startsAt: at(days, 19),
      endsAt: at(days, 22),
      refundableUntil: at(days - 1, 19),
      ticketTypes,
      ...more,
    })
  const publish = (event: { id: string }) => callAs(request, token, 'POST', `/api/v1/events/${event.id}/publish`)
  const [night, play, slam, circus] = titles[project]
  const event = await make(night!, 'music', 24, seats(4200, 2900), {
    description: 'Twelve cellos, one long evening, and a bar that stays open.',
    performers: ['Quartetto Lume', 'Hanna Brandt'],
  })
  const second = await make(play!, 'theatre', 38, seats(3400, 2200))
  await make(slam!, 'comedy', 66, [{ name: 'Standing', capacity: 180, price: price(1200) }])
  const off = await make(circus!, 'family', 51, seats(2600, 1800))
  await Promise.all([publish(event), publish(second), publish(off)])
  await callAs(request, token, 'POST', `/api/v1/events/${off.id}/cancel`)

  const types = async (id: string) => (await callAs<{ ticketTypes: { id: string }[] }>(request, token, 'GET', `/api/v1/events/${id}`)).ticketTypes
  const [best, circle] = await types(event.id)
  const [stalls] = await types(second.id)
  const buys: [number, string, string, number][] = [
    [1, event.id, best!.id, 4],
    [2, event.id, best!.id, 2],
    [3, event.id, circle!.id, 3],
    [4, event.id, circle!.id, 6],
    [5, second.id, stalls!.id, 2],
  ]
  const bookings = await Promise.all(
    buys.map(async ([n, event, ticketType, quantity]) =>
      buy(request, await tokenOf(request, account(n)), event, { ticketType, quantity }),
    ),
  )
  await callAs(request, await tokenOf(request, account(2)), 'POST', `/api/v1/bookings/${bookings[1]!.id}/refunds`, {
    units: [bookings[1]!.units[0]!.unit],
    reason: 'requested',
  })
  return { merchant, buyer: account(1), venue: venue.id, event: event.id, booking: bookings[0]!.id }
}
