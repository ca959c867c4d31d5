import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { Problem } from '../api/problem'
import { loadOfficeTexts, locales, startI18n } from '../i18n'
import { textNow } from '../i18n/text'
import { problemText } from './ui'

const root = path.join(import.meta.dirname, '..', '..', '..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, a, b]) => [a!, b!] as const)

/** Every code that a service or the gateway answers with, and its HTTP status. */
function refusals(): Map<string, number> {
  const statusOfKind = new Map(matches(read('internal/fault/fault.go'), /^\t(\w+) .*\/\/ (\d{3}):/gm))
  const sources = ['services', 'internal'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.go') && !file.endsWith('_test.go'))
      .map((file) => path.join(folder, file)),
  )
  const inGo = sources.flatMap((file) => matches(read(file), /fault\.New\(\s*fault\.(\w+),\s*"(\w+)"/g))
  const inGateway = matches(read('gateway/problems.conf'), /return (\d{3}) .*"code":"(\w+)"/g)
  const documented = matches(read('docs/api.md'), /^\| (\d{3}) \| `(\w+)` \|/gm)
  return new Map(
    [...inGo.map(([kind, code]) => [statusOfKind.get(kind)!, code] as const), ...inGateway, ...documented].map(
      ([status, code]) => [code, Number(status)],
    ),
  )
}

/** Codes that the app's users never see in normal use; they get the general text. */
const forPrograms = new Set(
  [
    'bad_request invalid_cursor invalid_limit invalid_period malformed_body malformed_query malformed_request',
    'headers_too_large if_match_required method_not_allowed too_many_ids unsupported_media_type uri_too_long',
    'idempotency_key_reused invalid_idempotency_key invalid_amount invalid_currency unit_twice',
    'currency_required invalid_place invalid_time near_required', // a search by a malformed link
    // The import of events.
    'empty_import id_too_long import_too_long invalid_end invalid_record invalid_start invalid_utf8',
    'malformed_import malformed_record not_an_event record_too_large too_many_words word_too_long',
    // Ticket checks, webhooks, and calls that admins make by the API only.
    'ticket_invalid ticket_void webhook_mismatch webhook_not_signed booking_not_set_aside order_decided refund_not_owing',
    // Between services, and within one.
    'email_taken form_lost invalid_logout_token invalid_search job_over unknown_job malformed_message not_holder not_indexable',
    'payment_captured payment_differs payment_mismatch payment_not_authorized payment_not_captured',
    'refund_differs refund_too_large unknown_booking',
  ].flatMap((codes) => codes.split(' ')),
)

describe('the codes of problems', () => {
  const all = refusals()

  it('are read from the services, the gateway and the documentation', () => {
    expect(all.size).toBeGreaterThan(150)
    expect([...all.values()].filter(Number.isNaN)).toEqual([])
  })

  it.each(locales)('have texts in %s', async (locale) => {
    document.documentElement.lang = locale
    await startI18n()
    await loadOfficeTexts()
    const t = textNow('office')
    const general = t('problem.unexpected')
    const shown = [...all].map(([code, status]) => ({
      code,
      text: problemText(t, new Problem(status, code, 'The detail of the server.')),
    }))
    expect(shown.filter(({ code, text }) => text === general && !forPrograms.has(code))).toEqual([])
    expect(shown.filter(({ text }) => text === '' || /detail of the server|^problem\./.test(text))).toEqual([])
  })

  it('for programs are real codes', () => {
    expect([...forPrograms].filter((code) => !all.has(code))).toEqual([])
  })

  it('that are not known show no detail either', async () => {
    document.documentElement.lang = 'de'
    await startI18n()
    expect(problemText(textNow('office'), new Problem(409, 'new_code', 'The detail of the server.'))).toMatch(
      /^Etwas ist schiefgelaufen/,
    )
  })
})
