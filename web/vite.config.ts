import { readFileSync, readdirSync } from 'node:fs'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { defineConfig as defineTest } from 'vitest/config'
import { catalogues } from './tools/catalogues.ts'

// The first paint needs no script but this: language, direction, theme and the headline, so that
// the page has its shape and its largest text before React arrives. Its words come from the catalogues.
function shell(): Plugin {
  const boot = () => {
    const dir = new URL('src/i18n/locales/', import.meta.url)
    const words = Object.fromEntries(
      readdirSync(dir)
        .filter((file) => file.endsWith('.json') && !file.startsWith('office'))
        .map((file) => {
          const all = JSON.parse(readFileSync(new URL(file, dir), 'utf8')) as { home: { headline: string } }
          return [file.replace('.json', ''), all.home.headline]
        }),
    )
    return readFileSync(new URL('src/boot.js', import.meta.url), 'utf8').replace('__WORDS__', JSON.stringify(words))
  }
  return {
    name: 'foyer-shell',
    configureServer(server) {
      server.middlewares.use('/boot.js', (_, response) => {
        response.setHeader('Content-Type', 'text/javascript')
        response.end(boot())
      })
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'boot.js', source: boot() })
    },
  }
}

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
              test: /node_modules[\\/](@tanstack|i18next|react-i18next|intl-messageformat|@formatjs|openapi-fetch)/,
            },
            {
              name: 'radix',
              test: /node_modules[\\/](@radix-ui|radix-ui|@floating-ui|aria-hidden|react-remove-scroll)/,
            },
            {
              name: 'app',
              test: /src[\\/](components[\\/](Icon|Logo|ui|title|Poster)|api|live|i18n[\\/][a-z]+\.ts|app[\\/](Layout|router)|features[\\/](cart|session[\\/]session|event[\\/]query|search[\\/]query))/,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { '^/(api|auth|config.json)': process.env.FOYER_URL ?? 'http://localhost:8080' } },
  ...defineTest({
    test: { environment: 'jsdom', setupFiles: 'src/setup.test-env.ts', css: false, restoreMocks: true },
  }),
})
