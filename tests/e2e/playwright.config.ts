import { defineConfig } from '@playwright/test'

/** A real Chromium, as Debian packages it, on a platform that runs already: see ./run. */
export default defineConfig({
  testDir: '.',
  timeout: 120_000,
  expect: { timeout: 20_000 },
  fullyParallel: false,
  workers: 2,
  retries: 0,
  reporter: [['list']],
  use: {
    baseURL: process.env.FOYER_URL ?? 'http://localhost:8080',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    trace: 'retain-on-failure',
    actionTimeout: 20_000,
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
  },
  projects: [
    { name: 'phone', testMatch: /(accounts|buying|offline|pages|queue|search)\.spec\.ts/, use: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 } },
    { name: 'desktop', testMatch: /(accounts|buying|racing|pages|office|languages|search)\.spec\.ts/, use: { viewport: { width: 1280, height: 860 } } },
  ],
})
