import { queryOptions } from '@tanstack/react-query'
import { api, take } from '../../api/client'

export const noticesQuery = queryOptions({
  queryKey: ['notices'],
  queryFn: () => take(api.GET('/api/v1/notifications', { params: { query: { limit: 30 } } })),
  staleTime: 30_000,
})
