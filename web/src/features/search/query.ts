import { infiniteQueryOptions, queryOptions, keepPreviousData } from '@tanstack/react-query'
import { api, call, take, type Event } from '../../api/client'

/** The whole state of a search; it lives in the URL. */
export interface Search {
  q?: string
  category?: string
  city?: string
  from?: string
  to?: string
  minPrice?: number
  maxPrice?: number
  currency?: string
  near?: string
  radius?: number
  available?: boolean
  sort?: 'relevance' | 'date' | 'price' | 'distance'
  view?: 'list' | 'map'
}

const text = (value: unknown) =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
const amount = (value: unknown) =>
  Number.isFinite(Number(value)) && value !== '' && value !== undefined && value !== null ? Number(value) : undefined

export function validateSearch(raw: Record<string, unknown>): Search {
  const sort = text(raw.sort)
  return clean({
    q: text(raw.q),
    category: text(raw.category),
    city: text(raw.city),
    from: text(raw.from),
    to: text(raw.to),
    minPrice: amount(raw.minPrice),
    maxPrice: amount(raw.maxPrice),
    currency: text(raw.currency),
    near: text(raw.near),
    radius: amount(raw.radius),
    available: raw.available === true || raw.available === 'true' ? true : undefined,
    sort: sort === 'relevance' || sort === 'date' || sort === 'price' || sort === 'distance' ? sort : undefined,
    view: raw.view === 'map' ? 'map' : undefined,
  })
}

export function clean<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined && v !== '')) as T
}

export interface Bucket {
  value: string
  count: number
}

/** A found event: the event, and where the words were found. */
export interface Hit {
  id: string
  name: string
  category: string
  startsAt: string
  endsAt: string
  timeZone: string
  image?: string
  online?: boolean
  highDemand?: boolean
  venue: { name: string; city: string; country: string; location?: { lat: number; lon: number } }
  priceFrom?: { amount: number; currency: string }
  availability?: { available: number; status: 'available' | 'few' | 'sold_out' }
  highlight?: string
  distanceKm?: number
}

export interface Results {
  items: Hit[]
  next?: string
  total?: number
  facets: { category: Bucket[]; city: Bucket[]; month: Bucket[] }
  degraded: boolean
}

type Raw = Record<string, unknown>
const obj = (value: unknown): Raw => (typeof value === 'object' && value !== null ? (value as Raw) : {})

function buckets(value: unknown): Bucket[] {
  if (!Array.isArray(value)) return []
  return value.map((entry) => {
    const e = obj(entry)
    return { value: String(e.value ?? e.key ?? e.name ?? ''), count: Number(e.count ?? 0) }
  })
}

export const lowest = (event: Pick<Event, 'ticketTypes'>) =>
  event.ticketTypes.reduce<Event['ticketTypes'][number]['price'] | undefined>(
    (low, type) => (!low || type.price.amount < low.amount ? type.price : low),
    undefined,
  )

export function hitOfEvent(event: Event): Hit {
  return {
    id: event.id,
    name: event.name,
    category: event.category,
    startsAt: event.startsAt,
    endsAt: event.endsAt,
    timeZone: event.timeZone,
    image: event.image,
    online: event.online,
    highDemand: event.highDemand,
    venue: event.venue,
    priceFrom: lowest(event),
    availability: event.ticketTypes.length > 0 ? event.availability : undefined,
  }
}

function hit(value: unknown): Hit {
  const e = obj(value)
  const highlights = obj(e.highlights)
  const marked = highlights.name
  const prices = obj(e.price ?? e.prices)
  const from = obj(e.priceFrom ?? e.minPrice ?? prices.from ?? prices.min)
  const types = Array.isArray(e.ticketTypes) ? (e.ticketTypes as Event['ticketTypes']) : []
  return {
    ...(e as unknown as Hit),
    priceFrom: typeof from.amount === 'number' ? (from as unknown as Hit['priceFrom']) : lowest({ ticketTypes: types }),
    highlight: Array.isArray(marked) ? String(marked[0]) : typeof marked === 'string' ? marked : undefined,
    distanceKm:
      typeof e.distanceKm === 'number' ? e.distanceKm : typeof e.distance === 'number' ? e.distance : undefined,
  }
}

function params(search: Search, extra: Record<string, string | undefined>): string {
  const query = new URLSearchParams()
  const { view: _, ...rest } = search
  for (const [key, value] of Object.entries({ ...rest, ...extra }))
    if (value !== undefined) query.set(key, String(value))
  return query.toString()
}

export const searchQuery = (search: Search, limit?: number) =>
  infiniteQueryOptions({
    queryKey: ['search', clean({ ...search, view: undefined }), limit],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }): Promise<Results> => {
      const body = obj(
        await call<unknown>('GET', `/api/v1/search?${params(search, { cursor: pageParam, limit: limit?.toString() })}`),
      )
      const facets = obj(body.facets)
      return {
        items: (Array.isArray(body.items) ? body.items : []).map(hit),
        next: typeof body.next === 'string' && body.next !== '' ? body.next : undefined,
        total: typeof body.total === 'number' ? body.total : undefined,
        facets: { category: buckets(facets.category), city: buckets(facets.city), month: buckets(facets.month) },
        degraded: body.degraded === true,
      }
    },
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  })

/** What is next, from the catalogue itself: the start page shows something even while search is away. */
export const upcomingQuery = queryOptions({
  queryKey: ['upcoming'],
  queryFn: async () => {
    const page = await take(
      api.GET('/api/v1/events', {
        params: { query: { limit: 60, from: new Date(Math.floor(Date.now() / 3.6e6) * 3.6e6).toISOString() } },
      }),
    )
    return page.items.map(hitOfEvent)
  },
  staleTime: 30_000,
})

export interface Suggestion {
  text: string
  event?: string
}

export const suggestQuery = (q: string) =>
  queryOptions({
    queryKey: ['suggest', q],
    queryFn: async ({ signal }): Promise<Suggestion[]> => {
      const response = await fetch(`/api/v1/search/suggest?q=${encodeURIComponent(q)}`, { signal })
      if (!response.ok) return []
      const body = obj(await response.json())
      const items = Array.isArray(body.items) ? body.items : Array.isArray(body.suggestions) ? body.suggestions : []
      return items.slice(0, 8).map((item: unknown) => {
        if (typeof item === 'string') return { text: item }
        const e = obj(item)
        return {
          text: String(e.text ?? e.name ?? ''),
          event: typeof e.id === 'string' ? e.id : typeof e.event === 'string' ? e.event : undefined,
        }
      })
    },
    enabled: q.length >= 2,
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  })
