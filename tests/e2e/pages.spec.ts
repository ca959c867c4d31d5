import AxeBuilder from '@axe-core/playwright'
import { mkdir, writeFile } from 'node:fs/promises'
import { expect, test, type Page } from '@playwright/test'
import { eventId, signIn } from './people'
import { createScenario } from './scenario'

const shots = process.env.FOYER_SCREENS

/** Writes WebP, which Playwright itself does not: a quarter of the size. */
async function screenshot(page: Page, path: string) {
  await page.waitForTimeout(300) // transitions of colours
  const browser = await page.context().newCDPSession(page)
  const { data } = await browser.send('Page.captureScreenshot', { format: 'webp', quality: 82 })
  await mkdir(shots!, { recursive: true })
  await writeFile(path, Buffer.from(data, 'base64'))
  await browser.detach()
}

/**
 * Checks a page in light and dark: no axe violations, nothing wider than the screen; takes a screenshot if configured.
 * Waits until every placeholder has been replaced.
 */
function pageCheck(page: Page, size: string) {
  return async (name: string, path: string, ready: string | RegExp, act?: () => Promise<void>) => {
    await page.goto(path)
    await expect(page.locator('main').getByText(ready).first()).toBeVisible()
    await act?.()
    await expect(page.locator('.skeleton')).toHaveCount(0)
    await page.evaluate(() => document.fonts.ready.then(() => undefined))
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const file = `${name}-${size}${colorScheme === 'dark' ? '-dark' : ''}`
      if (shots) await screenshot(page, `${shots}/${file}.webp`)
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
  const checkPage = pageCheck(page, project.name)
  const seated = await eventId(request, 'La Mouette')
  const arena = await eventId(request, 'Aurora Sessions')
  const queued = await eventId(request, 'Ylva Storm: Farewell')
  await checkPage('home', '/', 'Where to tonight?')
  await checkPage('search', '/search?q=berlin', /\d+ events/)
  await checkPage('event', `/events/${seated}`, 'La Mouette')
  await checkPage('seats', `/events/${seated}/tickets`, 'Best available')
  await checkPage('arena', `/events/${arena}/tickets`, 'Best available')
  await checkPage('register', '/register', 'At least 10 characters.')
  await signIn(page, project.name === 'phone' ? 'load-0421@foyer.test' : 'load-0422@foyer.test')
  await checkPage('queue', `/events/${queued}/queue`, /Still available|It’s your turn/)
})

test('every page of those who own tickets, sell them, or run the platform is accessible', async ({ page, request }, { project }) => {
  test.setTimeout(300_000)
  const checkPage = pageCheck(page, project.name)
  const scenario = await createScenario(request, project.name as 'phone' | 'desktop')
  await signIn(page, scenario.buyer)
  await checkPage('bookings', '/bookings', 'My tickets')
  await checkPage('booking', `/bookings/${scenario.booking}`, 'Return tickets')
  await checkPage('profile', '/profile', 'Appearance')
  await checkPage('messages', '/notifications', /Night of the Cellos|Strings after Dark/)
  await page.context().clearCookies()
  await signIn(page, scenario.merchant)
  await checkPage('merchant', '/merchant', /\d+ of \d+ sold/)
  await checkPage('merchant-event', `/merchant/events/${scenario.event}`, 'Revenue')
  await checkPage('merchant-new', '/merchant/events/new', 'Save as draft')
  await checkPage('merchant-venues', '/merchant/venues', 'Leipzig')
  await checkPage('merchant-plan', `/merchant/venues/${scenario.venue}`, '250 seats')
  await page.context().clearCookies()
  await signIn(page, 'admin@foyer.test')
  await checkPage('admin', '/admin', 'Users')
  await checkPage('admin-bookings', '/admin/bookings', /€\d/)
  await checkPage('admin-queues', '/admin/queues', 'Ylva Storm: Farewell')
  await checkPage('admin-reconciliation', '/admin/reconciliation', 'Reconcile now', async () => {
    await page.getByRole('button', { name: 'Reconcile now' }).click()
    await expect(page.getByText(/Everything agrees|There are differences/)).toBeVisible({ timeout: 45_000 })
    await page.mouse.move(0, 0)
  })
})
