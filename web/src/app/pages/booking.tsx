import { useParams } from '@tanstack/react-router'
import { BookingPage } from '../../features/bookings/BookingPage'

export function Page() {
  const { id } = useParams({ from: '/bookings/$id' })
  return <BookingPage key={id} id={id} />
}
