import { useParams } from '@tanstack/react-router'
import { QueuePage } from '../../features/queue/QueuePage'

export function Page() {
  const { id } = useParams({ from: '/events/$id/queue' })
  return <QueuePage key={id} id={id} />
}
