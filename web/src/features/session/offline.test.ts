import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'

type Handler = (event: { request: Request; respondWith: (answer: Promise<Response>) => void }) => void

const base = 'https://foyer.test'

/** A cache of responses by address, as browsers keep them. */
class FakeCache {
  readonly all = new Map<string, { body: string; status: number }>()
  async match(request: Request) {
    const have = this.all.get(request.url)
    return have && new Response(have.body, { status: have.status })
  }
  async put(request: Request, response: Response) {
    this.all.set(request.url, { body: await response.text(), status: response.status })
  }
  async delete(request: Request) {
    return this.all.delete(request.url)
  }
}

let stores: Map<string, FakeCache>
let network: (path: string) => Response
let fetchHandler: Handler

async function get(path: string): Promise<{ status: number; body: string; offline: boolean }> {
  const request = new Request(base + path)
  const response = await new Promise<Response>((done, failed) =>
    fetchHandler({ request, respondWith: (answer) => void answer.then(done, failed) }),
  )
  return {
    status: response.status,
    body: await response.text(),
    offline: response.headers.get('X-Foyer-Offline') === '1',
  }
}

const offline = () => {
  throw new TypeError('no network')
}

beforeEach(() => {
  stores = new Map()
  const handlers: Record<string, Handler> = {}
  const caches = {
    open: async (name: string) => {
      if (!stores.has(name)) stores.set(name, new FakeCache())
      return stores.get(name)
    },
    delete: async (name: string) => stores.delete(name),
  }
  const source = readFileSync(resolve('public/sw.js'), 'utf8')
  new Function('addEventListener', 'caches', 'fetch', 'location', 'self', source)(
    (name: string, handler: Handler) => (handlers[name] = handler),
    caches,
    async (request: Request) => network(new URL(request.url).pathname),
    { origin: base },
    {},
  )
  fetchHandler = handlers.fetch
})

const ticket = '/api/v1/tickets/1.pdf'
const signedIn = (account: string) => (path: string) =>
  path === '/auth/session' ? Response.json({ account }) : new Response('ticket of ' + account)

describe('tickets kept for offline', () => {
  it('open without a network and while the service is away', async () => {
    network = signedIn('ana')
    await get('/auth/session')
    await get(ticket)
    network = offline
    expect(await get(ticket)).toEqual({ status: 200, body: 'ticket of ana', offline: true })
    network = () => new Response('', { status: 503 })
    await get(ticket)
    network = offline
    expect((await get(ticket)).body).toBe('ticket of ana')
  })

  it('are gone once the server says that the session is over, whatever was asked', async () => {
    network = signedIn('ana')
    await get('/auth/session')
    await get(ticket)
    network = () => new Response('', { status: 401 })
    await get('/auth/session')
    network = offline
    expect((await get(ticket)).status).toBe(0)
  })

  it('are gone once somebody else is signed in', async () => {
    network = signedIn('ana')
    await get('/auth/session')
    await get(ticket)
    network = signedIn('ben')
    await get('/auth/session')
    network = offline
    expect((await get(ticket)).status).toBe(0)
    expect(await get('/auth/session')).toMatchObject({ body: '{"account":"ben"}', offline: true })
  })

  it('are gone once they were refunded', async () => {
    network = signedIn('ana')
    await get(ticket)
    network = () => new Response('', { status: 410 })
    await get(ticket)
    network = offline
    expect((await get(ticket)).status).toBe(0)
  })
})
