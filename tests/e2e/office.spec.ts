import { readFile } from 'node:fs/promises'
import { expect, test } from '@playwright/test'
import { chooseSeats, payWith, signIn } from './people'

const local = (days: number, hour: number) => {
  const d = new Date(Date.now() + days * 86_400_000)
  d.setUTCHours(hour, 0, 0, 0)
  return d.toISOString().slice(0, 16)
}

/** A plan as pretix's editor of today writes it: shapes with words, a zone that is hidden, no ids of ours. */
const foreign = {
  name: 'Aula',
  size: { width: 600, height: 400 },
  categories: [{ name: 'Parkett', color: '#c0392b' }],
  zones: [
    {
      name: 'Stage',
      zone_id: 'stage',
      position: { x: 150, y: 20 },
      rows: [],
      areas: [
        {
          shape: 'rectangle',
          color: '#cccccc',
          border_color: '#999999',
          rotation: 0,
          position: { x: 0, y: 0 },
          rectangle: { width: 300, height: 60 },
          text: { position: { x: 150, y: 30 }, color: '#333333', text: 'Bühne' },
        },
      ],
    },
    {
      name: 'Parkett',
      zone_id: 'parkett',
      position: { x: 60, y: 140 },
      rows: ['A', 'B', 'C'].map((row, r) => ({
        row_number: row,
        row_number_position: 'both',
        position: { x: 0, y: r * 30 },
        seats: Array.from({ length: 12 }, (_, s) => ({
          seat_guid: `${row}${s + 1}`,
          seat_number: String(s + 1),
          position: { x: s * 26, y: 0 },
          category: 'Parkett',
        })),
      })),
      areas: [{ shape: 'circle', color: '#eeeeee', position: { x: 420, y: 60 }, circle: { radius: 40 } }],
    },
  ],
}

test('a merchant draws a plan, edits, exports and imports, publishes, and sees a sale as it happens', async ({
  page,
  browser,
}) => {
  test.setTimeout(180_000)
  const name = `Probe ${Date.now()}`
  await signIn(page, 'merchant@foyer.test', '/merchant/venues')
  await page.getByLabel('Name').fill(`Haus ${name}`)
  await page.getByLabel('City').fill('Leipzig')
  await page.getByLabel('Country code').fill('DE')
  await page.getByRole('button', { name: 'Create and draw the plan' }).click()

  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('button', { name: 'Add a stage' }).click()
  await expect(page.getByText('72 seats')).toBeVisible()
  const stalls = page.getByRole('button', { name: 'Stalls', exact: true })
  const before = await stalls.boundingBox()
  await stalls.focus()
  for (let n = 0; n < 4; n++) await page.keyboard.press('ArrowDown')
  expect((await stalls.boundingBox())!.y).toBeGreaterThan(before!.y)
  await page.getByLabel('Price category').last().fill('Best')
  await page.getByLabel('Price category').last().blur()
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await expect(page.getByText('144 seats')).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByText('72 seats')).toBeVisible()

  const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()])
  const exported = JSON.parse(await readFile(await saved.path(), 'utf8'))
  expect(exported.zones.flatMap((z: { rows: { seats: unknown[] }[] }) => z.rows.flatMap((r) => r.seats))).toHaveLength(72)
  await page.getByLabel('Import').setInputFiles({ name: 'no plan.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') })
  await expect(page.getByText('This file is not a seating plan.')).toBeVisible()
  const file = (plan: unknown) => ({ name: 'plan.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(plan)) })
  await page.getByLabel('Import').setInputFiles(file(exported))
  await expect(page.getByText('72 seats')).toBeVisible()
  await page.getByLabel('Import').setInputFiles(file(foreign))
  await expect(page.getByText('36 seats')).toBeVisible()
  await expect(page.getByText('Bühne')).toBeVisible()
  await page.getByRole('button', { name: 'Save plan' }).click()
  await expect(page.getByText('The plan is saved')).toBeVisible()

  await page.getByRole('link', { name: 'New event' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Venue').selectOption({ label: `Haus ${name}, Leipzig` })
  await page.getByLabel('Starts', { exact: true }).fill(local(30, 19))
  await page.getByLabel('Ends', { exact: true }).fill(local(30, 22))
  await page.getByRole('button', { name: 'Reserved seats' }).click()
  await page.getByLabel('Price in EUR').fill('25')
  await page.getByRole('button', { name: 'Save as draft' }).click()
  await page.getByRole('button', { name: 'Publish' }).click()
  await expect(page.getByText('On sale').first()).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Sales' })).toBeVisible()
  const id = new URL(page.url()).pathname.split('/').pop()!

  // Somebody buys elsewhere; nothing is reloaded here.
  await page.evaluate(() => Object.assign(window, { same: true }))
  const figure = (label: string) => page.locator('.office-stats').getByText(label, { exact: true }).locator('..')
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 } })
  await signIn(phone, 'load-0413@foyer.test', `/events/${id}/tickets`)
  await expect(phone.getByText('Bühne')).toBeVisible() // as the plan has it
  await chooseSeats(phone, 'Parkett', 2)
  await phone.getByRole('button', { name: 'Continue' }).click()
  await expect(figure('On hold')).toContainText('2')
  await phone.waitForURL('**/checkout/**')
  await phone.getByRole('button', { name: 'Continue to payment' }).click()
  await payWith(phone, '4242424242424242')
  await phone.waitForURL('**/bookings/**')
  await expect(figure('Sold')).toContainText('2', { timeout: 30_000 })
  await expect(figure('Revenue')).toContainText('50')
  expect(await page.evaluate(() => 'same' in window)).toBe(true)
  await phone.close()
})

test('an admin reconciles', async ({ page }) => {
  await signIn(page, 'admin@foyer.test', '/admin/reconciliation')
  await page.getByRole('button', { name: 'Reconcile now' }).click()
  await expect(page.getByText(/Everything agrees|There are differences/)).toBeVisible({ timeout: 45_000 })
})
