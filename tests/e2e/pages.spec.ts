import AxeBuilder from '@axe-core/playwright'
import { expect, test } from '@playwright/test'
import { eventId, signIn } from './people'

const shots = process.env.FOYER_SCREENS

/** Every page: nothing for axe to find, nothing wider than the screen; and a picture where wanted. */
test('every page is accessible', async ({ page, request }, info) => {
  test.setTimeout(300_000)
  const seated = await eventId(request, 'La Mouette')
  const arena = await eventId(request, 'Aurora Sessions')
  const queued = await eventId(request, 'Ylva Storm: Farewell')
  const look = async (name: string, path: string, ready: string | RegExp) => {
    await page.goto(path)
    await expect(page.locator('main').getByText(ready).first()).toBeVisible()
    await page.waitForLoadState('networkidle', { timeout: 1_500 }).catch(() => {})
    if (shots) await page.screenshot({ path: `${shots}/${name}-${info.project.name}.png` })
    const { violations } = await new AxeBuilder({ page }).exclude('iframe').analyze()
    expect.soft(violations.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)).toEqual([])
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
