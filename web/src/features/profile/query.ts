import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import { accountQuery } from '../session/query'

/** What stands in the way of deleting the account; asked anew each time. */
export const deletionQuery = queryOptions({
  queryKey: [...accountQuery.queryKey, 'deletion'],
  queryFn: () => unwrap(api.GET('/api/v1/me/deletion')),
  staleTime: 0,
  gcTime: 0,
})
