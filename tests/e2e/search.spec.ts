import { expect, test, type Page } from '@playwright/test'

const found = (page: Page) => page.locator('.search-head').getByRole('status')
const total = async (page: Page) => Number((await found(page).innerText()).replace(/\D/g, ''))

test('filters narrow the results by what the facets said, and the way back keeps them', async ({ page }, info) => {
  const phone = info.project.name === 'phone'
  /** On a phone the filters are in a sheet of their own. */
  const filters = async (work: (within: ReturnType<Page['locator']>) => Promise<void>) => {
    if (!phone) return work(page.locator('.search-filters-side'))
    await page.getByRole('button', { name: /^Filters/ }).click()
    const sheet = page.getByRole('dialog')
    await work(sheet)
    await sheet.getByRole('button', { name: /^(Show [\d,]+|No) event/ }).click()
    await expect(sheet).toBeHidden()
  }
  const choose = async (name: RegExp) => {
    let promised = 0
    await filters(async (within) => {
      const chip = within.getByRole('button', { name }).first()
      promised = Number(/(\d+)$/.exec((await chip.innerText()).replace(/[,.]/g, ''))![1])
      await chip.click()
    })
    await expect.poll(() => total(page)).toBe(promised)
  }
  await page.goto('/search')
  await expect(found(page)).toHaveText(/\d/)
  const all = await total(page)
  await choose(/^Conferences/)
  await choose(/^Berlin/)
  expect(await total(page)).toBeLessThan(all)
  await choose(/^(January|February|March|April|May|June|July|August|September|October|November|December) \d{4}/)
  await page.getByRole('button', { name: 'Clear all' }).click()
  await choose(/^Berlin/)

  const berlin = await total(page)
  await filters(async (within) => {
    await within.getByLabel('Up to', { exact: true }).fill('30')
    await within.getByLabel('Up to', { exact: true }).press('Enter')
    await expect(page).toHaveURL(/maxPrice=3000/)
  })
  await expect.poll(() => total(page)).toBeLessThan(berlin)
  const cheap = await total(page)

  const here = page.url()
  await page.locator('.event-row').first().click()
  await page.waitForURL('**/events/**')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.goBack()
  await expect(page).toHaveURL(here)
  await expect(page.getByRole('list', { name: 'Active filters' }).getByRole('button', { name: /Berlin/ })).toBeVisible()
  await expect.poll(() => total(page)).toBe(cheap)
})

test('words found are marked, typos are forgiven, suggestions lead to the event', async ({ page }) => {
  await page.goto('/search?q=blaue stnude')
  await expect(page.locator('.event-row').first()).toContainText('Blaue Stunde')
  await expect(page.locator('.event-row mark').first()).toHaveText('Blaue')
  const box = page.getByRole('combobox', { name: /Search events/ })
  await box.fill('winterr')
  await page.getByRole('option', { name: 'Winterreise' }).first().click()
  await page.waitForURL(/\/(events|search)/)
  await expect(page.getByText('Winterreise').first()).toBeVisible()
})
