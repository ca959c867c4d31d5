import { readdirSync, readFileSync } from 'node:fs'
import js from '@eslint/js'
import a11y from 'eslint-plugin-jsx-a11y'
import hooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import ts from 'typescript-eslint'

/** The rooms, which are the folders of src, and what each may import: the table in docs/web.md. A room that it lacks imports nothing. */
const table = new Map(
  readFileSync(new URL('../docs/web.md', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => [...cell.matchAll(/`([a-z0-9/]+)`/g)].map(([, room]) => room)))
    .filter((cells) => cells.length === 5)
    .map(([, [room], , mayImport]) => [room, mayImport]),
)
const folders = (path) =>
  readdirSync(new URL(`src/${path}`, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => path + name)
const rooms = [...folders('').filter((name) => name !== 'features'), ...folders('features/')].map((room) => ({
  room,
  mayImport: table.get(room) ?? [],
}))
const below = ['design', 'api', 'live', 'i18n', 'listing', 'components']

/** What is not written in src. */
const notWritten = [
  {
    selector: "JSXAttribute[name.name='style'] Property > Literal.value",
    message: 'A constant belongs in a style sheet; inline styles are for computed values.',
  },
  ...[
    'ObjectExpression:not(CallExpression[callee.name=/ueryOptions$/] > *) > Property[key.name="queryKey"] > ArrayExpression',
    'CallExpression[callee.property.name=/^[gs]etQueryData$/] > ArrayExpression:first-child',
  ].map((selector) => ({
    selector,
    message: 'Write the key in queryOptions, in the query.ts of its feature, and use that.',
  })),
]

/** Keeps a room's imports, static and lazy, to what the table allows. */
function boundary({ room, mayImport }) {
  const feature = room.startsWith('features/')
  const allowed = feature ? [...below, ...mayImport] : mayImport
  const up = feature ? '\\.\\./\\.\\./' : '\\.\\./'
  const names = (list) => list.map((name) => `${name}(/|$)`).join('|') || '$.'
  const others = allowed.filter((name) => !feature || !name.startsWith('features/'))
  const siblings = allowed.filter((name) => name.startsWith('features/')).map((name) => name.replace('features/', ''))
  const regex = feature
    ? `^(${up}(?!${names(others)})|\\.\\./(?!\\.\\./|${names(siblings)}))`
    : `^${up}(?!${names(others)})`
  const message = `${room} may import ${allowed.join(', ') || 'nothing'}: see the table of rooms in docs/web.md.`
  return {
    files: [`src/${room}/**/*.{ts,tsx}`],
    ignores: ['**/*.test.{ts,tsx}'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex, message }] }],
      'no-restricted-syntax': [
        'error',
        ...notWritten,
        { selector: `ImportExpression[source.value=/${regex.replaceAll('/', '\\u002F')}/]`, message },
      ],
    },
  }
}

export default ts.config(
  { ignores: ['dist', 'src/api/*.gen.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}', 'tools/**/*.ts', 'vite.config.ts'],
    extends: [...ts.configs.strict, a11y.flatConfigs.recommended],
    plugins: { 'react-hooks': hooks },
    languageOptions: { globals: globals.browser },
    rules: {
      ...hooks.configs.recommended.rules,
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', ...notWritten],
    },
  },
  ...rooms.map(boundary),
  { files: ['tools/**', '*.js'], languageOptions: { globals: globals.node } },
  { files: ['public/*.js'], languageOptions: { globals: globals.serviceworker } },
)
