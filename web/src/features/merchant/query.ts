import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import { asProblem } from '../../api/problem'
import { completePlan } from './plan'

export const merchantEventsQuery = infiniteQueryOptions({
  queryKey: ['merchant-events'],
  initialPageParam: undefined as string | undefined,
  queryFn: ({ pageParam }) => unwrap(api.GET('/api/v1/merchant/events', { params: { query: { cursor: pageParam } } })),
  getNextPageParam: (last) => last.next,
})

export const merchantEventQuery = (id: string) =>
  queryOptions({
    queryKey: ['merchant-event', id],
    queryFn: () => unwrap(api.GET('/api/v1/merchant/events/{id}', { params: { path: { id } } })),
  })

export const salesQuery = (event: string) =>
  queryOptions({
    queryKey: ['sales', event],
    queryFn: () => unwrap(api.GET('/api/v1/merchant/events/{event}/sales', { params: { path: { event } } })),
    refetchInterval: 10_000,
  })

export const venuesQuery = queryOptions({
  queryKey: ['venues'],
  queryFn: () => unwrap(api.GET('/api/v1/venues')),
})

export const venueQuery = (id: string) =>
  queryOptions({
    queryKey: ['venue', id],
    queryFn: () => unwrap(api.GET('/api/v1/venues/{id}', { params: { path: { id } } })),
  })

/** The seating plan of a venue; null: it has none. */
export const seatingPlanQuery = (venue: string) =>
  queryOptions({
    queryKey: ['seating-plan', venue],
    queryFn: async () => {
      try {
        return completePlan(
          await unwrap(api.GET('/api/v1/venues/{id}/seating-plan', { params: { path: { id: venue } } })),
        )
      } catch (error) {
        if (asProblem(error).status === 404) return null
        throw error
      }
    },
  })
