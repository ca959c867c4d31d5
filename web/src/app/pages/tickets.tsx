import { useParams } from '@tanstack/react-router'
import { TicketsPage } from '../../features/seatmap/TicketsPage'

export function Page() {
  const { id } = useParams({ from: '/events/$id/tickets' })
  return <TicketsPage key={id} id={id} />
}
