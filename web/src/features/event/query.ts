import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ['event', id],
    queryFn: () => unwrap(api.GET('/api/v1/events/{id}', { params: { path: { id } } })),
    staleTime: 5_000,
    refetchInterval: 15_000,
  })
