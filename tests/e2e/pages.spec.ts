import AxeBuilder from '@axe-core/playwright'
import { mkdir, writeFile } from 'node:fs/promises'
import { expect, test, type Page } from '@playwright/test'
import { eventId, signIn } from './people'
import { tell } from './story'

const shots = process.env.FOYER_SCREENS

/** As WebP, which Playwright itself does not write: a quarter of the bytes. */
async function picture(page: Page, path: string) {
  await page.waitForTimeout(300) // transitions of colours
  const browser = await page.context().newCDPSession(page)
  const { data } = await browser.send('Page.captureScreenshot', { format: 'webp', quality: 82 })
  await mkdir(shots!, { recursive: true })
  await writeFile(path, Buffer.from(data, 'base64'))
  await browser.detach()
}

/**
 * Every page, in light and dark: nothing for axe to find, nothing wider than the screen; and a picture where wanted.
 * What is not on the screen yet would not be looked at, so every skeleton must have been replaced.
 */
function looker(page: Page, size: string) {
  return async (name: string, path: string, ready: string | RegExp, act?: () => Promise<void>) => {
    await page.goto(path)
    await expect(page.locator('main').getByText(ready).first()).toBeVisible()
    await act?.()
    await expect(page.locator('.skeleton')).toHaveCount(0)
    await page.evaluate(() => document.fonts.ready.then(() => undefined))
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const file = `${name}-${size}${colorScheme === 'dark' ? '-dark' : ''}`
      if (shots) await picture(page, `${shots}/${file}.webp`)
      const axe = new AxeBuilder({ page }).exclude('iframe')
      if (colorScheme === 'dark') axe.withRules(['color-contrast', 'link-in-text-block']) // the rest is the same page
      const { violations } = await axe.analyze()
      expect.soft(violations.map((v) => `${file}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)).toEqual([])
    }
    await page.emulateMedia({ colorScheme: 'light' })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect.soft(wide, `${name} is wider than the screen`).toBeLessThanOrEqual(0)
  }
}

test.describe.configure({ mode: 'parallel' })

test('every page that buyers see is accessible', async ({ page, request }, { project }) => {
  test.setTimeout(300_000)
  const look = looker(page, project.name)
  const seated = await eventId(request, 'La Mouette')
  const arena = await eventId(request, 'Aurora Sessions')
  const queued = await eventId(request, 'Ylva Storm: Farewell')
  await look('home', '/', 'Where to tonight?')
  await look('search', '/search?q=berlin', /\d+ events/)
  await look('event', `/events/${seated}`, 'La Mouette')
  await look('seats', `/events/${seated}/tickets`, 'Best available')
  await look('arena', `/events/${arena}/tickets`, 'Best available')
  await look('register', '/register', 'At least 10 characters.')
  await signIn(page, project.name === 'phone' ? 'load-0421@foyer.test' : 'load-0422@foyer.test')
  await look('queue', `/events/${queued}/queue`, /Still available|It’s your turn/)
})

test('every page of those who own tickets, sell them, or run the platform is accessible', async ({ page, request }, { project }) => {
  test.setTimeout(300_000)
  const look = looker(page, project.name)
  const story = await tell(request, project.name as 'phone' | 'desktop')
  await signIn(page, story.buyer)
  await look('bookings', '/bookings', 'My tickets')
  await look('booking', `/bookings/${story.booking}`, 'Return tickets')
  await look('profile', '/profile', 'Appearance')
  await look('messages', '/notifications', /Night of the Cellos|Strings after Dark/)
  await page.context().clearCookies()
  await signIn(page, story.merchant)
  await look('merchant', '/merchant', /\d+ of \d+ sold/)
  await look('merchant-event', `/merchant/events/${story.event}`, 'Revenue')
  await look('merchant-new', '/merchant/events/new', 'Save as draft')
  await look('merchant-venues', '/merchant/venues', 'Leipzig')
  await look('merchant-plan', `/merchant/venues/${story.venue}`, '250 seats')
  await page.context().clearCookies()
  await signIn(page, 'admin@foyer.test')
  await look('admin', '/admin', 'Users')
  await look('admin-bookings', '/admin/bookings', /€\d/)
  await look('admin-queues', '/admin/queues', 'Ylva Storm: Farewell')
  await look('admin-reconciliation', '/admin/reconciliation', 'Reconcile now', async () => {
    await page.getByRole('button', { name: 'Reconcile now' }).click()
    await expect(page.getByText(/Everything agrees|There are differences/)).toBeVisible({ timeout: 45_000 })
    await page.mouse.move(0, 0)
  })
})
