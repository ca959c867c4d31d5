import { expect, type APIRequestContext, type Page } from '@playwright/test'

export const password = 'foyer-local'

export async function signIn(page: Page, email: string, returnTo = '/', secret = password) {
  await page.goto(`/auth/login?return_to=${encodeURIComponent(returnTo)}`)
  await page.fill('#username', email)
  await page.fill('#password', secret)
  await page.click('#kc-login')
  await expect(page.getByRole('button', { name: 'Account', exact: true })).toBeVisible()
}

/** The id of a seeded event. The search index may follow a moment later. */
export async function eventId(request: APIRequestContext, name: string): Promise<string> {
  let id = ''
  await expect
    .poll(
      async () => {
        const found = await (await request.get('/api/v1/search', { params: { q: name } })).json()
        id = found.items?.find((e: { name: string }) => e.name === name)?.id ?? ''
        return id
      },
      { timeout: 30_000 },
    )
    .not.toBe('')
  return id
}

/** Selects free seats from the list: the last ones, or some in the middle. */
export async function chooseSeats(page: Page, section: string, count: number, where: 'end' | 'middle' = 'end') {
  await page.getByText('Choose from a list').click()
  const select = page.getByLabel('Section', { exact: true })
  const option = await select.locator('option', { hasText: section }).first().getAttribute('value')
  await select.selectOption(option)
  const free = page.locator('.seat-button-free')
  for (let n = 0; n < count; n++) await (where === 'end' ? free.last() : free.nth(8)).click()
  await expect(page.locator('.seat-button-chosen')).toHaveCount(count)
}

export async function toPayment(page: Page) {
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL('**/checkout/**')
  await page.getByRole('button', { name: 'Continue to payment' }).click()
  await expect(page.frameLocator('iframe[title="Card details"]').locator('#number')).toBeVisible({ timeout: 25_000 })
}

export async function payWith(page: Page, number: string) {
  const form = page.frameLocator('iframe[title="Card details"]')
  await form.locator('#number').fill(number)
  await form.locator('#expiry').fill('12 / 30')
  await form.locator('#cvc').fill('123')
  await form.locator('#pay').click()
}

/** The URL of a service of the platform; its port is at a fixed offset from the gateway's. */
function serviceUrl(port: number): string {
  const url = new URL(process.env.FOYER_URL ?? 'http://localhost:8080')
  return `${url.protocol}//${url.hostname}:${Number(url.port || 80) - 8080 + port}`
}

/** The newest mail to an address, from Mailpit; waits for one. */
export async function mailTo(request: APIRequestContext, email: string): Promise<{ Subject: string; Text: string }> {
  const mailpit = process.env.FOYER_MAILPIT_URL ?? serviceUrl(8025)
  let id = ''
  await expect
    .poll(
      async () => {
        const found = await request.get(`${mailpit}/api/v1/search`, { params: { query: `to:"${email}"` } })
        id = (await found.json()).messages?.[0]?.ID ?? ''
        return id
      },
      { timeout: 30_000 },
    )
    .not.toBe('')
  return (await request.get(`${mailpit}/api/v1/message/${id}`)).json()
}

/** An access token, by the grant that the local realm allows. Keycloak itself is asked: the gateway limits sign-ins by address. */
export async function tokenOf(request: APIRequestContext, email: string): Promise<string> {
  const keycloak = process.env.FOYER_KEYCLOAK_URL ?? serviceUrl(8083)
  let token = ''
  // Keycloak refuses one of two simultaneous requests for the same account.
  await expect(async () => {
    const answer = await request.post(`${keycloak}/realms/foyer/protocol/openid-connect/token`, {
      form: { grant_type: 'password', client_id: 'foyer-cli', scope: 'openid', username: email, password },
    })
    expect(answer.status(), email).toBe(200)
    token = (await answer.json()).access_token
  }).toPass({ timeout: 10_000 })
  return token
}

/** Calls the API with an access token. */
export async function callAs<T>(request: APIRequestContext, token: string, method: string, path: string, data?: unknown) {
  const answer = await request.fetch(path, { method, data, headers: { Authorization: `Bearer ${token}` } })
  expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true)
  return (await answer.json()) as T
}

interface Booking {
  id: string
  status: string
  units: { unit: string }[]
  payment?: { intent: string; clientSecret: string; publishableKey: string }
}

/** Buys by the API only, to set up a test. */
export async function buy(request: APIRequestContext, token: string, event: string, item: { ticketType: string; quantity: number }) {
  let hold = { id: '' }
  // A new event is on sale a moment after it is published.
  await expect(async () => {
    hold = await callAs(request, token, 'POST', `/api/v1/events/${event}/holds`, { items: [item] })
  }).toPass({ timeout: 30_000 })
  const made = await callAs<Booking>(request, token, 'POST', '/api/v1/bookings', { hold: hold.id })
  let booking = made
  const reach = (wanted: (b: Booking) => boolean) =>
    expect
      .poll(async () => wanted((booking = await callAs<Booking>(request, token, 'GET', `/api/v1/bookings/${made.id}`))), { timeout: 30_000 })
      .toBe(true)
  await reach((b) => Boolean(b.payment?.clientSecret))
  const { intent, clientSecret, publishableKey } = booking.payment!
  const paid = await request.post(`${process.env.FOYER_STRIPESIM_URL ?? serviceUrl(12111)}/v1/payment_intents/${intent}/confirm`, {
    form: { key: publishableKey, client_secret: clientSecret, payment_method: 'pm_card_visa' },
  })
  expect(paid.status()).toBe(200)
  await reach((b) => b.status === 'confirmed')
  return booking
}
