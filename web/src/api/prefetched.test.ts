import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api } from './client'
import { takePrefetched } from './prefetched'

const early = (address: string, answer: Promise<Response>, sent = Date.now()) => {
  answer.catch(() => {})
  window.foyerPrefetched = [{ address, sent, answer }]
}
const request = (address: string, init?: RequestInit) => new Request(new URL(address, location.origin), init)
const page = (total: number) => Response.json({ items: [], total, took: 1 })
const search = async () =>
  (await api.GET('/api/v1/search', { params: { query: { q: 'bach', limit: 20 } } })).data?.total

const later = vi.fn<() => Promise<Response>>()
beforeEach(() => {
  later.mockReset().mockImplementation(() => Promise.resolve(page(2)))
  vi.stubGlobal('fetch', later)
})
afterEach(() => {
  vi.unstubAllGlobals()
  delete window.foyerPrefetched
})

it('gives what was asked for before the app came, in whatever order its parameters are, once', async () => {
  early('/api/v1/search?limit=20&q=bach', Promise.resolve(page(1)))
  expect(await search()).toBe(1)
  expect(later).not.toHaveBeenCalled()
  expect(await search()).toBe(2)
})

it.each([
  ['another question', '/api/v1/search?q=bach&limit=12', {}],
  ['another page', '/api/v1/events?q=bach&limit=20', {}],
  ['a change', '/api/v1/search?q=bach&limit=20', { method: 'POST' }],
])('is no answer to %s', (_, address, init) => {
  early('/api/v1/search?q=bach&limit=20', Promise.resolve(page(1)))
  expect(takePrefetched(request(address, init))).toBeNull()
})

it('is forgotten when it is old', () => {
  early('/api/v1/search', Promise.resolve(page(1)), Date.now() - 60_000)
  expect(takePrefetched(request('/api/v1/search'))).toBeNull()
})

it.each([
  ['the network failed', (): Promise<Response> => Promise.reject(new TypeError('gone'))],
  ['the service was away', () => Promise.resolve(new Response('', { status: 503 }))],
])('is asked for again where %s', async (_, answer) => {
  early('/api/v1/search?q=bach&limit=20', answer())
  expect(await search()).toBe(2)
})

it('a refusal is an answer', async () => {
  early('/api/v1/search?q=bach&limit=20', Promise.resolve(Response.json({ code: 'invalid' }, { status: 422 })))
  expect(await search()).toBeUndefined()
})
