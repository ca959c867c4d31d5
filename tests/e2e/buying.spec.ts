import { expect, test } from '@playwright/test'
import { chooseSeats, eventId, payWith, signIn, toPayment } from './people'

/** Each size of screen has buyers and seats of its own: both run at once. */
const buyer = (project: string, n: number) => `load-0${(project === 'phone' ? 400 : 440) + n}@foyer.test`
const place = (project: string) => (project === 'phone' ? 'end' : 'middle')

test('from searching to holding the ticket: declined, then paid; the PDF; the refund', async ({ page, request }, { project }) => {
  await page.goto('/')
  await page.getByRole('combobox', { name: /Search events/ }).fill('Blaue Stunde')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/search?q=**')
  await page.getByRole('link', { name: /Blaue Stunde/ }).first().click()
  await expect(page.getByRole('heading', { level: 1, name: 'Blaue Stunde' })).toBeVisible()
  const id = new URL(page.url()).pathname.split('/').pop()!

  await signIn(page, buyer(project.name, 1), `/events/${id}/tickets`)
  await chooseSeats(page, 'Gallery', 2, place(project.name))
  await toPayment(page)
  await payWith(page, '4000000000000002')
  await expect(page.frameLocator('iframe[title="Card details"]').locator('#problem')).toBeVisible()
  await payWith(page, '4242424242424242')
  await page.waitForURL('**/bookings/**')
  await expect(page.getByRole('img', { name: /QR code/ })).toHaveCount(2, { timeout: 30_000 })

  const pdf = await page.getByRole('link', { name: 'PDF' }).first().getAttribute('href')
  const answer = await page.request.get(pdf!)
  expect(answer.headers()['content-type']).toBe('application/pdf')
  expect((await answer.body()).subarray(0, 5).toString()).toBe('%PDF-')

  await page.getByRole('button', { name: 'Return tickets' }).click()
  await page.getByRole('button', { name: /Return and refund/ }).click()
  await expect(page.getByText('Refunded').first()).toBeVisible({ timeout: 30_000 })
  await expect(page.getByRole('img', { name: /QR code/ })).toHaveCount(0)
  expect(request).toBeTruthy()
})

test('3-D Secure inside the form', async ({ page, request }, { project }) => {
  const id = await eventId(request, 'Wortwechsel')
  await signIn(page, buyer(project.name, 2), `/events/${id}/tickets`)
  await chooseSeats(page, 'Balcony left', 1, place(project.name))
  await toPayment(page)
  await payWith(page, '4000002760003184')
  const bank = page.frameLocator('iframe[title="Card details"]').frameLocator('#bank')
  await bank.getByRole('button').first().click()
  await page.waitForURL('**/bookings/**', { timeout: 30_000 })
  await expect(page.getByRole('img', { name: /QR code/ })).toHaveCount(1, { timeout: 30_000 })
})

test('best available in one tap; giving it back', async ({ page, request }, { project }) => {
  const id = await eventId(request, 'La Mouette')
  await signIn(page, buyer(project.name, 3), `/events/${id}/tickets`)
  await page.getByRole('button', { name: 'Find' }).click()
  await expect(page.getByRole('list', { name: 'Selected seats' }).getByRole('button')).toHaveCount(2)
  await expect(page.getByRole('timer')).toBeVisible()
  await page.reload()
  await expect(page.getByRole('list', { name: 'Selected seats' }).getByRole('button')).toHaveCount(2)
  await page.goto('/')
  await expect(page.getByRole('complementary', { name: 'Your tickets on hold' })).toContainText('2 tickets')
})

test('a hold that runs out is told on the screen, and offered again', async ({ page, request }, { project }) => {
  const id = await eventId(request, 'Winterreise')
  await page.clock.install()
  await signIn(page, buyer(project.name, 4), `/events/${id}/tickets`)
  await page.getByRole('button', { name: 'Find' }).click()
  await expect(page.getByRole('timer')).toBeVisible()
  await page.clock.fastForward('05:01')
  await expect(page.getByText('Your time is up').first()).toBeVisible()
})
