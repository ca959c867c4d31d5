import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import { getHold } from './hold'

export const holdQuery = (id: string) => queryOptions({ queryKey: ['hold', id], queryFn: () => getHold(id) })

/** The payment provider: Stripe or the simulator. */
export const providerQuery = queryOptions({
  queryKey: ['payment-provider'],
  queryFn: () => unwrap(api.GET('/api/v1/payment-provider')),
  staleTime: Infinity,
})
