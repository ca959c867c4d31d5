import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import { getHold } from './hold'

export const holdQuery = (id: string) => queryOptions({ queryKey: ['hold', id], queryFn: () => getHold(id) })

/** Where and how one pays here: at Stripe, or with a simulator's form. */
export const providerQuery = queryOptions({
  queryKey: ['payment-provider'],
  queryFn: () => unwrap(api.GET('/api/v1/payment-provider')),
  staleTime: Infinity,
})
