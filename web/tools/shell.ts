import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type Plugin, type Rolldown } from 'vite'

/** The files that the browser will need beside the entry's own: by language, and for the pages one comes to first. */
type Files = Partial<Record<string, string[]>>

const source = new URL('../src/', import.meta.url)
const dir = new URL('i18n/locales/', source)
const locales = readdirSync(dir)
  .filter((file) => file.endsWith('.json') && !file.startsWith('office'))
  .map((file) => file.replace('.json', ''))

interface Catalogue {
  home: { headline: string }
  event: { online: string; from: string; free: string; few_left: string; sold_out: string }
}

/** What boot says before the catalogue of texts is there. */
function wordsOf(locale: string) {
  const { home, event } = JSON.parse(readFileSync(new URL(`${locale}.json`, dir), 'utf8')) as Catalogue
  const { online, from, free, few_left: few, sold_out: soldOut } = event
  return { headline: home.headline, online, from, free, few, soldOut }
}

/** The first script as one file of its own, with nothing to wait for. */
async function boot(files: Files): Promise<string> {
  const made = await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('..', source)),
    define: {
      __WORDS__: JSON.stringify(Object.fromEntries(locales.map((locale) => [locale, wordsOf(locale)]))),
      __FILES__: JSON.stringify(files),
    },
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: fileURLToPath(new URL('boot/index.ts', source)), formats: ['iife'], name: 'boot' },
    },
  })
  const [only] = (made as Rolldown.RolldownOutput[])[0]!.output
  return only.code
}

function filesOf(bundle: Rolldown.OutputBundle): Files {
  const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
  const early = new Set(chunks.filter((chunk) => chunk.isEntry).flatMap((chunk) => [chunk.fileName, ...chunk.imports]))
  const of = (end: string) => {
    const chunk = chunks.find((c) => c.facadeModuleId?.endsWith(end))
    if (!chunk) throw new Error(`no chunk for ${end}`)
    const styles = [...(chunk.viteMetadata?.importedCss ?? [])]
    return [chunk.fileName, ...chunk.imports, ...styles].filter((name) => !early.has(name)).map((name) => `/${name}`)
  }
  return Object.fromEntries([
    ...locales.map((locale) => [locale, of(`/i18n/locales/${locale}.json`)]),
    ['home', of('/features/home/Home.tsx')],
    ['search', of('/features/search/SearchPage.tsx')],
    ['event', of('/features/events/EventPage.tsx')],
    ['tickets', of('/features/purchase/PickerPage.tsx')],
  ]) as Files
}

/**
 * The first paint needs no script but boot.js: language, direction, theme, and what is known of the page, so that
 * it has its shape and its largest text before React arrives. Its words come from the catalogues.
 */
export function shell(): Plugin {
  return {
    name: 'foyer-shell',
    configureServer(server) {
      server.middlewares.use('/boot.js', (_, response, next) => {
        boot({}).then((code) => {
          response.setHeader('Content-Type', 'text/javascript')
          response.end(code)
        }, next)
      })
    },
    async generateBundle(_, bundle) {
      this.emitFile({ type: 'asset', fileName: 'boot.js', source: await boot(filesOf(bundle)) })
    },
    transformIndexHtml: {
      order: 'post',
      // The styles are what the first paint waits for: they are asked for before the scripts that it does not need.
      handler(html) {
        const styles = html.match(/^.*<link rel="stylesheet".*\n/gm) ?? []
        const rest = styles.reduce((page, style) => page.replace(style, ''), html)
        return rest.replace(/^.*<script type="module"/m, (script) => styles.join('') + script)
      },
    },
  }
}
