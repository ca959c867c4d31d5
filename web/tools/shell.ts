import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type Plugin, type Rolldown } from 'vite'

/** The files to preload besides the entry's: by language and by page. */
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

/** The texts that boot needs before the catalogue has loaded. */
function wordsOf(locale: string) {
  const { home, event } = JSON.parse(readFileSync(new URL(`${locale}.json`, dir), 'utf8')) as Catalogue
  const { online, from, free, few_left: few, sold_out: soldOut } = event
  return { headline: home.headline, online, from, free, few, soldOut }
}

/** Builds the first script as a single file without imports. */
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
 * Emits boot.js, the only script before the first paint. It sets language, direction and theme and shows the known
 * content of the page before React has loaded. Its texts come from the catalogues.
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
      // The first paint needs the style sheets and not the scripts, so the style sheets come first.
      handler(html) {
        const styles = html.match(/^.*<link rel="stylesheet".*\n/gm) ?? []
        const rest = styles.reduce((page, style) => page.replace(style, ''), html)
        return rest.replace(/^.*<script type="module"/m, (script) => styles.join('') + script)
      },
    },
  }
}
