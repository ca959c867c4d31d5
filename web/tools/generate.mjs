// Types of every service's API, from the OpenAPI file that its server is generated from too.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import path from 'node:path'
import openapi, { astToString } from 'openapi-typescript'
import prettier from 'prettier'

const web = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const services = path.join(web, '..', 'services')
const options = { ...(await prettier.resolveConfig(path.join(web, 'src', 'api', 'client.ts'))), parser: 'typescript' }
const names = readdirSync(services).filter((name) => existsSync(path.join(services, name, 'rest', 'openapi.yaml')))

for (const name of names) {
  const source = pathToFileURL(path.join(services, name, 'rest', 'openapi.yaml'))
  const text = `// Generated from services/${name}/rest/openapi.yaml; do not edit.\n${astToString(await openapi(source, { defaultNonNullable: false }))}`
  writeFileSync(path.join(web, 'src', 'api', `${name}.gen.ts`), await prettier.format(text, options))
}
