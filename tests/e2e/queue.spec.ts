import { expect, test } from '@playwright/test'
import { callAs, chooseSeats, payWith, signIn, toPayment, tokenOf } from './people'

const others = 200

const plan = {
  name: 'Saal',
  size: { width: 700, height: 700 },
  categories: [{ name: 'A', color: '#4a45d1' }],
  zones: [
    {
      name: 'Parkett',
      position: { x: 100, y: 150 },
      rows: Array.from({ length: 20 }, (_, r) => ({
        row_number: String(r + 1),
        position: { x: 0, y: r * 25 },
        seats: Array.from({ length: 20 }, (_, s) => ({
          seat_guid: `P-${r + 1}-${s + 1}`,
          seat_number: String(s + 1),
          position: { x: s * 24, y: 0 },
          category: 'A',
        })),
      })),
    },
  ],
}

/** Runs work count times, four at a time: Keycloak's password check is slow by design. */
async function inParallel<T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const done: T[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let n = next++; n < count; n = next++) done[n] = await work(n)
    }),
  )
  return done
}

test('from the lobby to a ticket, with two hundred others in the queue', async ({ page, request }) => {
  test.setTimeout(240_000)
  const me = 'load-0431@foyer.test'
  const tokens = await inParallel(others, (n) => tokenOf(request, `load-${String(n + 1).padStart(4, '0')}@foyer.test`))
  const merchant = await tokenOf(request, 'merchant@foyer.test')
  const name = `Ansturm ${Date.now()}`
  const venueInput = { name: `Haus ${name}`, city: 'Wien', country: 'AT', timeZone: 'Europe/Vienna' }
  const venue = await callAs<{ id: string }>(request, merchant, 'POST', '/api/v1/venues', venueInput)
  await callAs(request, merchant, 'PUT', `/api/v1/venues/${venue.id}/seating-plan`, plan)
  const day = 86_400_000
  const event = await callAs<{ id: string }>(request, merchant, 'POST', '/api/v1/events', {
    name,
    venue: venue.id,
    category: 'music',
    startsAt: new Date(Date.now() + 60 * day).toISOString(),
    endsAt: new Date(Date.now() + 60 * day + 7_200_000).toISOString(),
    salesStart: new Date(Date.now() + 25_000).toISOString(),
    highDemand: true,
    ticketTypes: [{ name: 'Parkett', seated: true, categories: ['A'], price: { amount: 4500, currency: 'EUR' } }],
  })
  await callAs(request, merchant, 'POST', `/api/v1/events/${event.id}/publish`)
  await callAs(request, merchant, 'PATCH', `/api/v1/events/${event.id}/queue/settings`, { rate: 12, concurrency: 300 })

  await signIn(page, me, `/events/${event.id}`)
  await page.getByRole('link', { name: 'Join the queue' }).click()
  await expect(page.getByText('Sales haven’t opened yet')).toBeVisible()
  await expect(page.getByRole('timer')).toBeVisible()
  const places = await inParallel(others, (n) =>
    callAs<{ state: string }>(request, tokens[n]!, 'POST', `/api/v1/events/${event.id}/queue`),
  )
  expect(places).toHaveLength(others)

  // Sales open; everybody moves; at the end somebody is let in, without a reload.
  await expect(page.locator('main').getByText(/Your place in the queue|It’s your turn/)).toBeVisible({ timeout: 60_000 })
  await page.reload() // the place stays
  await expect(page.locator('main').getByText('It’s your turn', { exact: true })).toBeVisible({ timeout: 90_000 })
  await expect(page).toHaveTitle(/It’s your turn/)
  await page.getByRole('link', { name: 'Choose seats' }).click()
  await chooseSeats(page, 'Parkett', 2)
  await toPayment(page)
  await payWith(page, '4242424242424242')
  await page.waitForURL('**/bookings/**', { timeout: 30_000 })
  await expect(page.getByRole('img', { name: /QR code/ })).toHaveCount(2, { timeout: 30_000 })
})
