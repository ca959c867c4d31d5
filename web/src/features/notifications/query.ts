import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'

export const notificationsQuery = queryOptions({
  queryKey: ['notices'],
  queryFn: () => unwrap(api.GET('/api/v1/notifications', { params: { query: { limit: 30 } } })),
  staleTime: 30_000,
})
