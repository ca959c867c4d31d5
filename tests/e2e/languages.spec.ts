import { expect, test } from '@playwright/test'

test('the language changes at once, from right to left too, and stays', async ({ page }) => {
  await page.goto('/')
  for (const [locale, headline, dir] of [
    ['de', 'Wohin heute Abend?', 'ltr'],
    ['ar', 'إلى أين الليلة؟', 'rtl'],
  ] as const) {
    await page.getByLabel(/Language|Sprache/).last().selectOption(locale)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(headline)
    await expect(page.locator('html')).toHaveAttribute('dir', dir)
  }
  await page.reload()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('إلى أين الليلة؟')
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(wide).toBeLessThanOrEqual(0)
})
