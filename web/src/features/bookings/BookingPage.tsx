import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { api, idempotencyKey, unwrap, type BookingView } from '../../api/client'
import { asProblem } from '../../api/problem'
import Dialog from '../../components/Dialog'
import { Icon } from '../../components/Icon'
import { Qr } from '../../components/Qr'
import { useTitle } from '../../components/title'
import { Empty, Failure, Loading, Notice } from '../../components/ui'
import { dayTime, longDay, money, moment, place, time, viewerTime, zoneName } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { serverNow } from '../../live/clock'
import { useStream } from '../../live/hooks'
import { RequireSession } from '../session/RequireSession'
import { bookingQuery, bookingsQuery, isChanging, validTickets } from './query'
import { StatusTag } from './StatusTag'
import { unitName } from './unit'
import './bookings.css'

const route = getRouteApi('/bookings/$id')

export function BookingPage() {
  const { id } = route.useParams()
  return <RequireSession>{() => <Booking id={id} />}</RequireSession>
}

function Booking({ id }: { id: string }) {
  const t = useText()
  const queries = useQueryClient()
  const query = useQuery({
    ...bookingQuery(id),
    refetchInterval: (q) => (q.state.data && isChanging(q.state.data.status) ? 5_000 : false),
  })
  const booking = query.data
  useTitle(booking?.occasion.name)
  useStream(booking && isChanging(booking.status) ? `/api/v1/bookings/${id}/stream` : null, (e) => {
    if (e.event === 'booking') queries.setQueryData(bookingQuery(id).queryKey, JSON.parse(e.data) as BookingView)
  })
  if (query.isPending) return <Loading />
  if (!booking) {
    if (asProblem(query.error).status === 404) return <Empty title={t('problem.not_found')} />
    return (
      <div className="page page-narrow">
        <Failure error={query.error} retry={() => void query.refetch()} />
      </div>
    )
  }
  return <BookingDetails booking={booking} />
}

function BookingDetails({ booking }: { booking: BookingView }) {
  const t = useText()
  const { occasion } = booking
  const tickets = validTickets(booking)
  const yours = viewerTime(occasion.startsAt, occasion.timeZone)
  const labels = new Map(booking.units.map((unit) => [unit.unit, unit]))
  return (
    <article className="page page-narrow stack">
      <Link to="/bookings" className="button button-quiet button-small booking-back">
        <Icon name="back" size={18} />
        {t('nav.tickets')}
      </Link>
      <div role="status" className="stack-s">
        {booking.status === 'confirmed' && <p className="booking-confirmed">{t('booking.confirmed')}</p>}
        {booking.status === 'secured' && (
          <Notice tone="good" title={t('booking.status.secured')}>
            {t('booking.why.secured')}
          </Notice>
        )}
        {(booking.status === 'expired' ||
          booking.status === 'failed' ||
          booking.status === 'cancelled' ||
          booking.status === 'refunded' ||
          booking.status === 'refunding') && (
          <Notice tone={booking.status === 'failed' ? 'bad' : 'plain'} title={t(`booking.status.${booking.status}`)}>
            {t(`booking.why.${booking.status}`)}
          </Notice>
        )}
      </div>
      <h1 dir="auto">{occasion.name}</h1>
      <p>
        <strong>{longDay(occasion.startsAt, occasion.timeZone)}</strong>
        <br />
        {time(occasion.startsAt, occasion.timeZone)}{' '}
        <span className="muted">{zoneName(occasion.startsAt, occasion.timeZone)}</span>
        {yours && <span className="muted"> · {t('event.your_time', { time: yours })}</span>}
        <br />
        {occasion.venue.name}
        {occasion.venue.city && <span className="muted"> · {place(occasion.venue)}</span>}
      </p>
      {(booking.status === 'awaiting_payment' || booking.status === 'requested') && (
        <Link to="/checkout/$hold" params={{ hold: booking.hold }} className="button button-light self-start">
          {t('booking.go_pay')}
        </Link>
      )}
      {tickets.length > 0 && (
        <ul className="ticket-list" aria-label={t('booking.tickets')}>
          {tickets.map((ticket) => {
            const unit = labels.get(ticket.unit)
            return (
              <li key={ticket.id} className="ticket">
                <div className="ticket-code">
                  <Qr text={ticket.code} label={t('booking.qr', { unit: unitName(t, unit ?? {}) })} />
                </div>
                <div className="ticket-text">
                  <span className="small">{unit?.ticketTypeName}</span>
                  <strong>{unit && unitName(t, unit)}</strong>
                  {unit && <span className="small tabular">{money(unit.price)}</span>}
                  <div className="cluster ticket-actions">
                    <a
                      className="button button-small"
                      href={`/api/v1/tickets/${ticket.id}.pdf`}
                      target="_blank"
                      rel="noopener"
                    >
                      <Icon name="download" size={18} />
                      {t('booking.pdf')}
                    </a>
                    <a className="button button-small" href={`/api/v1/tickets/${ticket.id}.ics`}>
                      <Icon name="calendar" size={18} />
                      {t('booking.calendar')}
                    </a>
                  </div>
                </div>
              </li>
            )
          })}
        </ul>
      )}
      <section className="stack-s">
        <h2>{t('booking.details')}</h2>
        <dl className="booking-details">
          <div>
            <dt>{t('booking.state')}</dt>
            <dd>
              <StatusTag status={booking.status} />
            </dd>
          </div>
          <div>
            <dt>{t('checkout.total')}</dt>
            <dd className="tabular">{money(booking.total)}</dd>
          </div>
          <div>
            <dt>{t('booking.booked_at')}</dt>
            <dd>{moment(booking.createdAt)}</dd>
          </div>
          <div>
            <dt>{t('booking.number')}</dt>
            <dd className="code">{booking.id}</dd>
          </div>
        </dl>
        {booking.refunds && booking.refunds.length > 0 && (
          <>
            <h3>{t('booking.refunds')}</h3>
            <ul className="booking-lines">
              {booking.refunds.map((refund) => (
                <li key={refund.id}>
                  <span>
                    {t(`booking.refund_${refund.status}`)}
                    <span className="small muted">{moment(refund.at)}</span>
                  </span>
                  <span className="tabular">{money(refund.amount)}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </section>
      <BookingActions booking={booking} />
    </article>
  )
}

function BookingActions({ booking }: { booking: BookingView }) {
  const t = useText()
  const queries = useQueryClient()
  const [asking, setAsking] = useState(false)
  const open = booking.units.filter((unit) => !unit.released)
  const [units, setUnits] = useState<ReadonlySet<string>>(new Set())
  const refresh = () =>
    void queries
      .invalidateQueries(bookingQuery(booking.id))
      .then(() => queries.invalidateQueries({ queryKey: bookingsQuery.queryKey }))
  const cancel = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/v1/bookings/{booking}/cancel', {
          params: { path: { booking: booking.id }, header: idempotencyKey() },
        }),
      ),
    onSuccess: refresh,
  })
  const refund = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/v1/bookings/{booking}/refunds', {
          params: { path: { booking: booking.id }, header: idempotencyKey() },
          body: {
            reason: 'requested_by_customer',
            ...(units.size > 0 && units.size < open.length ? { units: [...units] } : {}),
          },
        }),
      ),
    onSuccess: () => {
      setAsking(false)
      refresh()
    },
  })
  const until = booking.occasion.refundableUntil
  const refundable =
    booking.status === 'confirmed' && open.length > 0 && until !== undefined && Date.parse(until) > serverNow()
  const chosen = units.size === 0 ? open : open.filter((unit) => units.has(unit.unit))
  if (booking.status === 'awaiting_payment' || booking.status === 'requested')
    return (
      <div className="stack">
        <button
          type="button"
          className="button button-bad self-start"
          disabled={cancel.isPending}
          onClick={() => cancel.mutate()}
        >
          {t('booking.cancel')}
        </button>
        {cancel.isError && <Failure error={cancel.error} />}
      </div>
    )
  if (booking.status !== 'confirmed') return null
  return (
    <div className="stack-s">
      {refundable ? (
        <>
          <p className="muted small">{t('event.refund_until', { date: dayTime(until, booking.occasion.timeZone) })}</p>
          <button type="button" className="button self-start" onClick={() => setAsking(true)}>
            <Icon name="undo" size={20} />
            {t('booking.refund')}
          </button>
        </>
      ) : (
        <p className="muted small">{t('event.no_refund')}</p>
      )}
      <Dialog open={asking} onClose={() => setAsking(false)} title={t('booking.refund')}>
        <p>{t('booking.refund_explain')}</p>
        <ul className="stack-s">
          {open.map((unit) => (
            <li key={unit.unit}>
              <label className="check">
                <input
                  type="checkbox"
                  checked={units.size === 0 || units.has(unit.unit)}
                  onChange={(e) => {
                    const next = new Set(units.size === 0 ? open.map((u) => u.unit) : units)
                    if (e.target.checked) next.add(unit.unit)
                    else next.delete(unit.unit)
                    if (next.size > 0) setUnits(next)
                  }}
                />
                <span>
                  {unit.ticketTypeName} · {unitName(t, unit)} · {money(unit.price)}
                </span>
              </label>
            </li>
          ))}
        </ul>
        {refund.isError && <Failure error={refund.error} />}
        <button type="button" className="button button-bad" disabled={refund.isPending} onClick={() => refund.mutate()}>
          {refund.isPending ? (
            <span className="spinner" />
          ) : (
            t('booking.refund_do', {
              amount: money({
                amount: chosen.reduce((sum, unit) => sum + unit.price.amount, 0),
                currency: booking.total.currency,
              }),
            })
          )}
        </button>
      </Dialog>
    </div>
  )
}
