import { expect, test } from '@playwright/test'
import { mailTo, signIn } from './people'

test('somebody new registers, confirms the address by mail, and signs in', async ({ page, request }, info) => {
  const email = `new-${info.project.name}-${Date.now()}@example.test`
  const secret = 'a long way to the foyer'
  await page.goto('/register')
  await page.getByLabel('Name').fill('Nora Neumann')
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill('short')
  await page.getByRole('button', { name: 'Create account' }).click()
  await expect(page.getByLabel('Password')).toBeFocused() // the browser says why
  await page.getByLabel('Password').fill(secret)
  await page.getByRole('button', { name: 'Create account' }).click()
  await expect(page.getByRole('heading', { name: 'Check your email' })).toBeVisible()

  const mail = await mailTo(request, email)
  await page.goto(/https?:\/\/[^\s)]+#[^\s)]+/.exec(mail.Text)![0])
  await expect(page.getByRole('heading', { name: 'Your email address is confirmed' })).toBeVisible()
  await page.goto('/auth/login')
  await page.fill('#username', email)
  await page.fill('#password', secret)
  await page.click('#kc-login')
  await expect(page.getByRole('heading', { name: 'Where to tonight?' })).toBeVisible()
  await page.goto('/profile')
  await expect(page.getByLabel('Name')).toHaveValue('Nora Neumann')
  await page.getByRole('button', { name: 'Account', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
})

test('somebody takes their data along and deletes the account', async ({ page, request }, info) => {
  const email = `leaving-${info.project.name}-${Date.now()}@example.test`
  const secret = 'a long way out of the foyer'
  await request.post('/api/v1/accounts', { data: { email, password: secret, name: 'Lea Leaving', locale: 'en' } })
  await mailTo(request, email)
  await signIn(page, email, '/profile', secret)
  const file = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download my data' }).click()
  expect((await file).suggestedFilename()).toMatch(/^foyer-data-.*\.json$/)

  await page.getByRole('button', { name: 'Delete account' }).click()
  const dialog = page.getByRole('dialog', { name: 'Delete account' })
  const last = dialog.getByRole('button', { name: 'Delete my account' })
  await expect(last).toBeDisabled()
  await dialog.getByLabel('Type your email address to confirm').fill(email)
  await last.click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await expect
    .poll(async () => (await mailTo(request, email)).Subject, { timeout: 60_000 })
    .toContain('has been deleted')
})
