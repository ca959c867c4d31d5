import { queryOptions } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'

/** Settings and figures of an event's line. */
export const queueSettingsQuery = (event: string) =>
  queryOptions({
    queryKey: ['queue-settings', event],
    queryFn: () => unwrap(api.GET('/api/v1/events/{event}/queue/settings', { params: { path: { event } } })),
    refetchInterval: 3_000,
    retry: false,
  })
