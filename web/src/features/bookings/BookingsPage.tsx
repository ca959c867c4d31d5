import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { BookingView } from '../../api/client'
import { Poster } from '../../components/Poster'
import { useTitle } from '../../components/title'
import { Skeleton, Empty, Failure } from '../../components/ui'
import { dayTime, money } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { serverNow } from '../../live/clock'
import { RequireSession } from '../session/RequireSession'
import { bookingsQuery } from './query'
import { StatusTag } from './StatusTag'
import './bookings.css'

export function BookingsPage() {
  const t = useText()
  useTitle(t('nav.tickets'))
  return <RequireSession>{() => <Bookings />}</RequireSession>
}

function Bookings() {
  const t = useText()
  const query = useInfiniteQuery(bookingsQuery)
  const all = query.data?.pages.flatMap((page) => page.items) ?? []
  const now = serverNow()
  const coming = (b: BookingView) =>
    (b.status === 'confirmed' ||
      b.status === 'secured' ||
      b.status === 'awaiting_payment' ||
      b.status === 'requested') &&
    Date.parse(b.occasion.endsAt ?? b.occasion.startsAt) > now
  const next = all.filter(coming).sort((a, b) => a.occasion.startsAt.localeCompare(b.occasion.startsAt))
  const past = all.filter((b) => !coming(b))
  return (
    <div className="page page-narrow stack">
      <h1>{t('nav.tickets')}</h1>
      {query.isPending && (
        <ul aria-hidden="true">
          {[1, 2, 3].map((n) => (
            <li key={n} className="booking-row">
              <div className="poster skeleton" />
              <div className="stack-s">
                <Skeleton w="70%" />
                <Skeleton w="45%" />
              </div>
            </li>
          ))}
        </ul>
      )}
      {query.isError && all.length === 0 && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.data && all.length === 0 && (
        <Empty
          title={t('booking.none')}
          action={
            <Link to="/search" className="button button-light">
              {t('booking.find')}
            </Link>
          }
        >
          {t('booking.none_text')}
        </Empty>
      )}
      {next.length > 0 && <List bookings={next} />}
      {past.length > 0 && (
        <>
          <h2>{t('booking.earlier')}</h2>
          <List bookings={past} />
        </>
      )}
      {query.hasNextPage && (
        <button type="button" className="button" onClick={() => void query.fetchNextPage()}>
          {t('common.more_results')}
        </button>
      )}
    </div>
  )
}

function List({ bookings }: { bookings: BookingView[] }) {
  const t = useText()
  return (
    <ul>
      {bookings.map((booking) => (
        <li key={booking.id}>
          <Link to="/bookings/$id" params={{ id: booking.id }} className="booking-row">
            <Poster id={booking.event} category="music" />
            <div className="stack-s">
              <span className="small strong">{dayTime(booking.occasion.startsAt, booking.occasion.timeZone)}</span>
              <h2 dir="auto">{booking.occasion.name}</h2>
              <span className="small muted">
                {booking.occasion.venue.name} · {t('cart.count', { count: booking.units.length })} ·{' '}
                {money(booking.total)}
              </span>
              <span>
                <StatusTag status={booking.status} />
              </span>
            </div>
          </Link>
        </li>
      ))}
    </ul>
  )
}
