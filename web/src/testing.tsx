import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from '@tanstack/react-router'
import { render } from '@testing-library/react'
import { vi } from 'vitest'
import { startI18n } from './i18n'

type Answer = unknown | ((request: Request) => unknown)

export class Refusal {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    this.status = status
    this.code = code
  }
}

/** An event stream that a test writes to. */
export function stream() {
  const writers: ReadableStreamDefaultController<Uint8Array>[] = []
  return {
    open: () =>
      new Response(new ReadableStream<Uint8Array>({ start: (controller) => void writers.push(controller) }), {
        headers: { 'Content-Type': 'text/event-stream' },
      }),
    push: (event: string, data: unknown) =>
      writers.forEach((w) =>
        w.enqueue(new TextEncoder().encode(`event: ${event}\nid: 1\ndata: ${JSON.stringify(data)}\n\n`)),
      ),
  }
}

/** Stubs fetch: responses by "METHOD path"; everything else is 404 not_found. */
export function serve(answers: Record<string, Answer>) {
  const asked: { what: string; body: unknown; headers: Headers }[] = []
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(typeof input === 'string' ? new URL(input, location.origin) : input, init)
    const what = `${request.method} ${new URL(request.url).pathname}`
    const text = await request.clone().text()
    asked.push({ what, body: text ? (JSON.parse(text) as unknown) : undefined, headers: request.headers })
    const known = answers[what]
    const answer: unknown = typeof known === 'function' ? (known as (r: Request) => unknown)(request) : known
    if (answer instanceof Response) return answer
    const refusal = answer === undefined ? new Refusal(404, 'not_found') : answer
    if (refusal instanceof Refusal)
      return Response.json({ code: refusal.code, status: refusal.status, detail: '' }, { status: refusal.status })
    return Response.json(refusal)
  })
  return asked
}

/**
 * Renders a component on a page of its own, at the path of the app's route if it reads route parameters.
 * All links work and lead to an empty page.
 */
export async function show(part: React.ReactNode, path = '/', params: Record<string, string> = {}) {
  document.documentElement.lang = 'en'
  await startI18n()
  const root = createRootRoute({ component: Outlet })
  const here = createRoute({ getParentRoute: () => root, path, component: () => part })
  const elsewhere = createRoute({ getParentRoute: () => root, path: '$', component: () => null })
  const router = createRouter({
    routeTree: root.addChildren([here, elsewhere]),
    history: createMemoryHistory({ initialEntries: [path.replace(/\$(\w+)/g, (_, name: string) => params[name]!)] }),
  })
  await router.load()
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  )
  return { router }
}

export const session = { account: 'a1', email: 'a@example.test', name: 'Anna', roles: ['customer'], locale: 'en' }

export const euro = (amount: number) => ({ amount, currency: 'EUR' })

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

export const concert = {
  id: 'e1',
  slug: 'nacht',
  name: 'Nachtmusik',
  description: 'Late.',
  category: 'music',
  startsAt: inDays(30),
  endsAt: inDays(30.1),
  timeZone: 'Europe/Berlin',
  venue: { id: 'v1', name: 'Haus', city: 'Berlin', country: 'DE' },
  ticketTypes: [{ id: 't1', name: 'Stalls', price: euro(2500), capacity: 6, seated: true }],
  salesStart: inDays(-1),
  salesEnd: inDays(29),
  maxPerOrder: 3,
  maxPerAccount: 3,
  highDemand: false,
  status: 'published',
  availability: { available: 5, held: 0, booked: 1, status: 'available' },
  version: 1,
}

export const seatPlan = {
  version: 1,
  width: 200,
  height: 100,
  ticketTypes: ['t1'],
  zones: ['Stalls'],
  kinds: ['seat'],
  areas: [{ shape: 'rectangle', kind: 'stage', x: 40, y: 0, width: 100, height: 20, text: 'Rampe' }],
  units: {
    ticketType: [0, 0, 0, 0, 0, 0],
    zone: [0, 0, 0, 0, 0, 0],
    row: ['A', 'A', 'A', 'B', 'B', 'B'],
    number: ['1', '2', '3', '1', '2', '3'],
    x: [40, 60, 80, 40, 60, 80],
    y: [40, 40, 40, 60, 60, 60],
    kind: [0, 0, 0, 0, 0, 0],
  },
}

export const seatMap = { version: 1, plan: 1, units: ['A-1', 'A-2', 'A-3', 'B-1', 'B-2', 'B-3'], states: 'aaaaab' }

export const hold = (patch: object = {}) => ({
  id: 'h1',
  event: 'e1',
  units: [
    {
      unit: 'A-1',
      ticketType: 't1',
      ticketTypeName: 'Stalls',
      label: 'Stalls, A-1',
      zone: 'Stalls',
      row: 'A',
      number: '1',
      price: euro(2500),
    },
  ],
  total: euro(2500),
  expiresAt: new Date(Date.now() + 240_000).toISOString(),
  status: 'open',
  ...patch,
})
