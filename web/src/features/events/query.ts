import { queryOptions } from '@tanstack/react-query'
import { api, unwrap, type Event } from '../../api/client'
import type { Hit } from '../../listing/hit'

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ['event', id],
    queryFn: () => unwrap(api.GET('/api/v1/events/{id}', { params: { path: { id } } })),
    staleTime: 5_000,
    refetchInterval: 15_000,
  })

export const lowestPrice = (event: Pick<Event, 'ticketTypes'>) =>
  event.ticketTypes.reduce<Event['ticketTypes'][number]['price'] | undefined>(
    (low, type) => (!low || type.price.amount < low.amount ? type.price : low),
    undefined,
  )

function hitOfEvent(event: Event): Hit {
  return {
    id: event.id,
    name: event.name,
    category: event.category,
    startsAt: event.startsAt,
    endsAt: event.endsAt,
    timeZone: event.timeZone,
    image: event.image,
    online: event.online,
    venue: event.venue,
    priceFrom: lowestPrice(event),
    availability: event.ticketTypes.length > 0 ? event.availability : undefined,
  }
}

/** What is next, from the catalogue itself: the start page shows something even while search is away. */
export const upcomingQuery = queryOptions({
  queryKey: ['upcoming'],
  queryFn: async () => {
    const page = await unwrap(
      api.GET('/api/v1/events', {
        params: { query: { limit: 60, from: new Date(Math.floor(Date.now() / 3.6e6) * 3.6e6).toISOString() } },
      }),
    )
    return page.items.map(hitOfEvent)
  },
  staleTime: 30_000,
})
