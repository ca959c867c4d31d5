import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import { storePlace } from './pass'

/** The account's place in the line. Joining again gives the same place: a reload and a second tab change nothing. */
export const placeQuery = (event: string) =>
  queryOptions({
    queryKey: ['place', event],
    queryFn: async () => {
      const joined = await unwrap(api.POST('/api/v1/events/{event}/queue', { params: { path: { event } } }))
      storePlace(event, joined.place)
      return joined
    },
  })
