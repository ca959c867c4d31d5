import { queryOptions } from '@tanstack/react-query'
import { api, take } from '../../api/client'

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: ['plan', id],
    queryFn: () => take(api.GET('/api/v1/events/{id}/plan', { params: { path: { id } } })),
    staleTime: Infinity,
  })

/** Who sits where, as a start for the stream: whoever enters asks anew. */
export const seatsQuery = (id: string) =>
  queryOptions({
    queryKey: ['seats', id],
    queryFn: () =>
      take(api.GET('/api/v1/events/{event}/seats', { params: { path: { event: id }, query: { units: 'runs' } } })),
    staleTime: 2_000,
    gcTime: 2_000,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
