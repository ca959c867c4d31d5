import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { operations } from '../../api/auth.gen'
import { api, unwrap, type BookingStatus, type Event } from '../../api/client'

const firstPage = undefined as string | undefined

/** What all searches for users begin with, to invalidate them together. */
export const usersKey = ['users'] as const

export const usersQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: [...usersKey, q],
    initialPageParam: firstPage,
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/api/v1/admin/users', { params: { query: { q: q || undefined, cursor: pageParam } } })),
    getNextPageParam: (last) => last.next,
  })

export type AuditFilter = Omit<NonNullable<operations['listAudit']['parameters']['query']>, 'cursor' | 'limit'>

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    initialPageParam: firstPage,
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/api/v1/admin/audit', { params: { query: { ...filter, cursor: pageParam } } })),
    getNextPageParam: (last) => last.next,
  })

export const adminBookingsQuery = (status?: BookingStatus) =>
  infiniteQueryOptions({
    queryKey: ['admin-bookings', status],
    initialPageParam: firstPage,
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/api/v1/admin/bookings', { params: { query: { status, cursor: pageParam } } })),
    getNextPageParam: (last) => last.next,
    refetchInterval: 10_000,
  })

/** The published events that have a waiting room, of the first thousand events. */
export const queuedEventsQuery = queryOptions({
  queryKey: ['queued-events'],
  queryFn: async () => {
    const all: Event[] = []
    let cursor: string | undefined
    for (let page = 0; page < 10; page++) {
      const got = await unwrap(api.GET('/api/v1/merchant/events', { params: { query: { limit: 100, cursor } } }))
      all.push(...got.items.filter((event) => event.highDemand && event.status === 'published'))
      if (!got.next) break
      cursor = got.next
    }
    return all
  },
})

export const reconciliationQuery = queryOptions({
  queryKey: ['reconciliation'],
  queryFn: () => unwrap(api.GET('/api/v1/admin/reconciliation')),
})
