import { expect, test } from '@playwright/test'
import { chooseSeats, eventId, payWith, signIn, toPayment } from './people'

test('a ticket opens without a network', async ({ page, request, context }) => {
  const id = await eventId(request, 'Blaue Stunde')
  await signIn(page, 'load-0405@foyer.test', `/events/${id}/tickets`)
  await chooseSeats(page, 'Balcony right', 1)
  await toPayment(page)
  await payWith(page, '4242424242424242')
  await page.waitForURL('**/bookings/**')
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible({ timeout: 30_000 })
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await page.reload() // now through the service worker
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible()
  await context.setOffline(true)
  await page.reload()
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible()
  await expect(page.getByText('You are offline.')).toBeVisible()
})
