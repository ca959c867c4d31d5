import { queryOptions } from '@tanstack/react-query'
import { call } from './client'

/** What differs between installations; the gateway knows it. */
export interface Config {
  /** Origin of the simulator's card form; empty with real Stripe keys. */
  paymentForm: string
}

export const configQuery = queryOptions({
  queryKey: ['config'],
  queryFn: () => call<Config>('GET', '/config.json'),
  staleTime: Infinity,
})
