import { infiniteQueryOptions, queryOptions, keepPreviousData } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import type { components, operations } from '../../api/search.gen'
import { hitOfFound, type Hit } from '../../listing/hit'

type Query = NonNullable<operations['searchEvents']['parameters']['query']>

/** The state of a search, kept in the URL. */
export interface Search extends Omit<Query, 'category' | 'city' | 'topic' | 'limit' | 'cursor'> {
  category?: string
  city?: string
  view?: 'list' | 'map'
}

const text = (value: unknown) =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
const amount = (value: unknown) =>
  Number.isFinite(Number(value)) && value !== '' && value !== undefined && value !== null ? Number(value) : undefined

const currency = (value: unknown) => (typeof value === 'string' && /^[A-Z]{3}$/.test(value) ? value : undefined)

export function validateSearch(raw: Record<string, unknown>): Search {
  const sort = text(raw.sort)
  return dropEmpty({
    q: text(raw.q),
    category: text(raw.category),
    city: text(raw.city),
    from: text(raw.from),
    to: text(raw.to),
    minPrice: amount(raw.minPrice),
    maxPrice: amount(raw.maxPrice),
    currency: currency(raw.currency),
    near: text(raw.near),
    radius: amount(raw.radius),
    available: raw.available === true || raw.available === 'true' ? true : undefined,
    sort: sort === 'relevance' || sort === 'date' || sort === 'price' || sort === 'distance' ? sort : undefined,
    view: raw.view === 'map' ? 'map' : undefined,
  })
}

export function dropEmpty<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined && v !== '')) as T
}

export type Bucket = components['schemas']['Bucket']

export interface Results {
  items: Hit[]
  next?: string
  total?: number
  facets: Pick<components['schemas']['Facets'], 'category' | 'city' | 'month'>
  degraded: boolean
}

const noFacets = { category: [], city: [], month: [] }

export const searchQuery = (search: Search, limit?: number) =>
  infiniteQueryOptions({
    queryKey: ['search', dropEmpty({ ...search, view: undefined }), limit],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }): Promise<Results> => {
      const { view: _view, category, city, ...rest } = search
      const answer = api.GET('/api/v1/search', {
        params: {
          query: dropEmpty({
            ...rest,
            category: category ? [category] : undefined,
            city: city ? [city] : undefined,
            cursor: pageParam,
            limit,
          }),
        },
      })
      const page = await unwrap(answer)
      return {
        items: page.items.map(hitOfFound),
        next: page.next,
        total: page.total,
        facets: page.facets ?? noFacets,
        degraded: (await answer).response.headers.get('Foyer-Search') === 'degraded',
      }
    },
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  })

/** Results per page. */
export const PAGE_SIZE = 20

/** The data of the home page. */
export const overviewQuery = searchQuery({ sort: 'date' }, 12)

export type Suggestion = components['schemas']['Suggestion']

export const suggestQuery = (q: string) =>
  queryOptions({
    queryKey: ['suggest', q],
    queryFn: async ({ signal }): Promise<Suggestion[]> =>
      (await unwrap(api.GET('/api/v1/search/suggest', { params: { query: { q } }, signal }))).items,
    enabled: q.length >= 2,
    staleTime: 60_000,
    placeholderData: keepPreviousData,
    retry: false,
  })
