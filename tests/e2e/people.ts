import { expect, type APIRequestContext, type Page } from '@playwright/test'

export const password = 'foyer-local'

export async function signIn(page: Page, email: string, returnTo = '/', secret = password) {
  await page.goto(`/auth/login?return_to=${encodeURIComponent(returnTo)}`)
  await page.fill('#username', email)
  await page.fill('#password', secret)
  await page.click('#kc-login')
  await expect(page.getByRole('button', { name: 'Account' })).toBeVisible()
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

/** Chooses free seats from the list, which does what the map does. */
export async function chooseSeats(page: Page, section: string, count: number) {
  await page.getByText('Choose from a list').click()
  const select = page.getByLabel('Section', { exact: true })
  const option = await select.locator('option', { hasText: section }).first().getAttribute('value')
  await select.selectOption(option)
  for (let n = 0; n < count; n++) await page.locator('.seat-button-free').last().click()
  await expect(page.locator('.seat-button-chosen')).toHaveCount(count)
}

export async function toPayment(page: Page) {
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL('**/checkout/**')
  await page.getByRole('button', { name: /^Pay / }).click()
  await expect(page.frameLocator('iframe[title="Card form"]').locator('#number')).toBeVisible({ timeout: 25_000 })
}

export async function payWith(page: Page, number: string) {
  const form = page.frameLocator('iframe[title="Card form"]')
  await form.locator('#number').fill(number)
  await form.locator('#expiry').fill('12 / 30')
  await form.locator('#cvc').fill('123')
  await form.locator('#pay').click()
}
