import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api, unwrap, type BookingStatus, type BookingView } from '../../api/client'

export const bookingQuery = (id: string) =>
  queryOptions({
    queryKey: ['booking', id],
    queryFn: () => unwrap(api.GET('/api/v1/bookings/{booking}', { params: { path: { booking: id } } })),
    staleTime: 2_000,
  })

export const bookingsQuery = infiniteQueryOptions({
  queryKey: ['bookings'],
  initialPageParam: undefined as string | undefined,
  queryFn: ({ pageParam }) => unwrap(api.GET('/api/v1/me/bookings', { params: { query: { cursor: pageParam } } })),
  getNextPageParam: (last) => last.next,
})

/** Whether the status is not final. */
export const isChanging = (status: BookingStatus) =>
  status === 'requested' || status === 'awaiting_payment' || status === 'secured' || status === 'refunding'

export const isPaid = (status: BookingStatus) =>
  status === 'secured' || status === 'confirmed' || status === 'refunding'

/** Tickets valid for entry: those of units that were not returned. */
export const validTickets = (booking: BookingView) => {
  const released = new Set(booking.units.filter((unit) => unit.released).map((unit) => unit.unit))
  return (booking.tickets ?? []).filter((ticket) => !released.has(ticket.unit))
}
