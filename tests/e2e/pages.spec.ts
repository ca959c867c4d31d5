import AxeBuilder from '@axe-core/playwright'
import { mkdir, writeFile } from 'node:fs/promises'
import { expect, test, type Page } from '@playwright/test'
import { eventId, signIn } from './people'

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

/** Every page, in light and dark: nothing for axe to find, nothing wider than the screen; and a picture where wanted. */
test('every page is accessible', async ({ page, request }, info) => {
  test.setTimeout(600_000)
  const seated = await eventId(request, 'La Mouette')
  const arena = await eventId(request, 'Aurora Sessions')
  const queued = await eventId(request, 'Ylva Storm: Farewell')
  const look = async (name: string, path: string, ready: string | RegExp) => {
    await page.goto(path)
    await expect(page.locator('main').getByText(ready).first()).toBeVisible()
    await page.waitForLoadState('networkidle', { timeout: 1_500 }).catch(() => {})
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const file = `${name}-${info.project.name}${colorScheme === 'dark' ? '-dark' : ''}`
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
  await look('home', '/', 'Where to tonight?')
  await look('search', '/search?q=berlin', /\d+ events/)
  await look('event', `/events/${seated}`, 'La Mouette')
  await look('seats', `/events/${seated}/tickets`, 'Best available')
  await look('arena', `/events/${arena}/tickets`, 'Best available')
  await look('register', '/register', 'At least 10 characters.')
  await signIn(page, info.project.name === 'phone' ? 'load-0421@foyer.test' : 'load-0422@foyer.test')
  await look('bookings', '/bookings', 'My tickets')
  await look('profile', '/profile', 'Appearance')
  await look('messages', '/notifications', 'Messages')
  await look('queue', `/events/${queued}/queue`, /Still to be had|Come in/)
  await page.context().clearCookies()
  await signIn(page, 'admin@foyer.test')
  await look('merchant', '/merchant', 'Events')
  await look('merchant-new', '/merchant/events/new', 'New event')
  await look('admin', '/admin', 'People')
  await look('admin-bookings', '/admin/bookings', 'Bookings')
  await look('admin-queues', '/admin/queues', 'Waiting rooms')
  await look('admin-reconciliation', '/admin/reconciliation', 'Reconcile now')
})
