import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: ['plan', id],
    queryFn: () => unwrap(api.GET('/api/v1/events/{id}/plan', { params: { path: { id } } })),
    staleTime: Infinity,
  })

/** The state of every unit, which the stream then updates; loaded each time the picker opens. */
export const seatsQuery = (id: string) =>
  queryOptions({
    queryKey: ['seats', id],
    queryFn: () =>
      unwrap(api.GET('/api/v1/events/{event}/seats', { params: { path: { event: id }, query: { units: 'runs' } } })),
    staleTime: 2_000,
    gcTime: 2_000,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
