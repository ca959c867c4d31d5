// Generates what the web app shares: the services' API types and currencies, and the design tokens for Keycloak.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import path from 'node:path'
import openapi, { astToString } from 'openapi-typescript'
import prettier from 'prettier'
import { tokensForKeycloak } from './tokens.mjs'

const web = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const services = path.join(web, '..', 'services')
const options = { ...(await prettier.resolveConfig(path.join(web, 'src', 'api', 'client.ts'))), parser: 'typescript' }
const names = readdirSync(services).filter((name) => existsSync(path.join(services, name, 'rest', 'openapi.yaml')))

// API types from the OpenAPI files that the servers are generated from.
for (const name of names) {
  const source = pathToFileURL(path.join(services, name, 'rest', 'openapi.yaml'))
  const text = `// Generated from services/${name}/rest/openapi.yaml; do not edit.\n${astToString(await openapi(source, { defaultNonNullable: false, emptyObjectsUnknown: true }))}`
  writeFileSync(path.join(web, 'src', 'api', `${name}.gen.ts`), await prettier.format(text, options))
}

// The digits of minor units other than two, from the services' table.
const digits = readFileSync(path.join(web, '..', 'internal', 'money', 'iso4217.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split('\t'))
  .filter(([, , digits]) => digits !== '2')
  .map(([code, , digits]) => `  ${code}: ${digits},`)
  .join('\n')
writeFileSync(
  path.join(web, 'src', 'i18n', 'currencies.gen.ts'),
  await prettier.format(
    `// Generated from internal/money/iso4217.tsv; do not edit.\nexport const minorDigitsByCurrency: Readonly<Record<string, number>> = {\n${digits}\n}\n`,
    options,
  ),
)

// The design tokens for Keycloak's pages; src/design/design.test.ts checks that they are current.
writeFileSync(
  path.join(web, '..', 'keycloak', 'themes', 'foyer', 'login', 'resources', 'css', 'tokens.css'),
  tokensForKeycloak(readFileSync(path.join(web, 'src', 'design', 'tokens.css'), 'utf8')),
)
