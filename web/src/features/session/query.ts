import { queryOptions } from '@tanstack/react-query'
import type { components } from '../../api/auth.gen'
import { api, unwrap } from '../../api/client'
import { asProblem } from '../../api/problem'

export type Session = components['schemas']['Session']

/** Who is signed in; null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async (): Promise<Session | null> => {
    try {
      return await unwrap(api.GET('/auth/session'))
    } catch (error) {
      if (asProblem(error).status === 401) return null
      throw error
    }
  },
  staleTime: 60_000,
  retry: 1,
})

/** The signed-in account, as its owner sees it. */
export const accountQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => unwrap(api.GET('/api/v1/me')),
})
