import { useParams } from '@tanstack/react-router'
import { EventPage } from '../../features/events/EventPage'

export function Page() {
  const { id } = useParams({ from: '/events/$id' })
  return <EventPage key={id} id={id} />
}
