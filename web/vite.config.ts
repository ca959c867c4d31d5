import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { defineConfig as defineTest } from 'vitest/config'
import { catalogues } from './tools/catalogues.ts'
import { shell } from './tools/shell.ts'

export default defineConfig({
  plugins: [react(), catalogues(), shell()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      output: {
        // One file for what every page needs, instead of a request for each small module.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            {
              name: 'vendor',
              test: /node_modules[\\/](@tanstack|intl-messageformat|@formatjs|openapi-fetch)/,
            },
            {
              name: 'radix',
              test: /node_modules[\\/](@radix-ui|radix-ui|@floating-ui|aria-hidden|react-remove-scroll)/,
            },
            {
              name: 'app',
              test: /src[\\/](components[\\/](Icon|Logo|ui|title|Poster)|api|live|i18n[\\/][a-z]+\.ts|app[\\/](Layout|router)|features[\\/](purchase[\\/]cart\.ts|session[\\/]session|events[\\/]query|search[\\/]query|seatmap[\\/]query))/,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { '^/(api|auth)/': process.env.FOYER_URL ?? 'http://localhost:8080' } },
  ...defineTest({
    test: {
      environment: 'jsdom',
      setupFiles: 'src/setup.test-env.ts',
      css: false,
      restoreMocks: true,
      testTimeout: 30_000,
    },
  }),
})
