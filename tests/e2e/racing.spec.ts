import { expect, test } from '@playwright/test'
import { chooseSeats, eventId, signIn } from './people'

test('two want one seat: the slower is told at once, before checkout', async ({ browser, request }) => {
  const id = await eventId(request, 'La Mouette')
  const [quick, slow] = await Promise.all([browser.newPage(), browser.newPage()])
  await signIn(quick, 'load-0411@foyer.test', `/events/${id}/tickets`)
  await signIn(slow, 'load-0412@foyer.test', `/events/${id}/tickets`)
  await chooseSeats(quick, 'Dress circle', 1)
  await chooseSeats(slow, 'Dress circle', 1)
  await quick.getByRole('button', { name: 'Continue' }).click()
  await quick.waitForURL('**/checkout/**')
  await expect(slow.getByText('Someone else just took this seat')).toBeVisible()
  await expect(slow.locator('.seat-button-chosen')).toHaveCount(0)
  await Promise.all([quick.close(), slow.close()])
})
