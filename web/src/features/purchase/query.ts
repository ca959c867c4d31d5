import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import type { components } from '../../api/payment.gen'

export type Provider = components['schemas']['PaymentProvider']

/** Where and how one pays here: at Stripe, or with a simulator's form. */
export const providerQuery = queryOptions({
  queryKey: ['payment-provider'],
  queryFn: () => unwrap(api.GET('/api/v1/payment-provider')),
  staleTime: Infinity,
})
