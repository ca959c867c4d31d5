import { expect, test } from '@playwright/test'
import { signIn } from './people'

const local = (days: number, hour: number) => {
  const d = new Date(Date.now() + days * 86_400_000)
  d.setUTCHours(hour, 0, 0, 0)
  return d.toISOString().slice(0, 16)
}

test('a merchant draws a plan, publishes, and sees the sale', async ({ page }) => {
  const name = `Probe ${Date.now()}`
  await signIn(page, 'merchant@foyer.test', '/merchant/venues')
  await page.getByLabel('Name').fill(`Haus ${name}`)
  await page.getByLabel('City').fill('Leipzig')
  await page.getByLabel('Country code').fill('DE')
  await page.getByRole('button', { name: 'Create and draw the plan' }).click()
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('button', { name: 'Add a stage' }).click()
  await expect(page.getByText('72 seats')).toBeVisible()
  await page.getByRole('button', { name: 'Save plan' }).click()
  await page.getByRole('link', { name: 'New event' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Venue').selectOption({ label: `Haus ${name}, Leipzig` })
  await page.getByLabel('Starts', { exact: true }).fill(local(30, 19))
  await page.getByLabel('Ends', { exact: true }).fill(local(30, 22))
  await page.getByRole('button', { name: 'Numbered seats' }).click()
  await page.getByLabel('Price in EUR').fill('25')
  await page.getByRole('button', { name: 'Save as draft' }).click()
  await page.getByRole('button', { name: 'Publish' }).click()
  await expect(page.getByText('On sale').first()).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Sales' })).toBeVisible()
})

test('an admin reconciles', async ({ page }) => {
  await signIn(page, 'admin@foyer.test', '/admin/reconciliation')
  await page.getByRole('button', { name: 'Reconcile now' }).click()
  await expect(page.getByText(/Everything agrees|There are differences/)).toBeVisible({ timeout: 45_000 })
})
