import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { Suspense, lazy, useEffect, useRef, useState } from 'react'
import { api, unwrap, type BookingView, type Hold } from '../../api/client'
import { asProblem } from '../../api/problem'
import { holdQuery, providerQuery } from './query'
import { useTitle } from '../../components/title'
import { Skeleton, Empty, Failure, Loading, Notice } from '../../components/ui'
import { dayTime, money } from '../../i18n/format'
import { currentLocale } from '../../i18n'
import { useText } from '../../i18n/text'
import { useStream } from '../../live/hooks'
import { bookingQuery, isPaid } from '../bookings/query'
import { unitName } from '../bookings/unit'
import { dispatch, useCart } from './cart'
import { changeHold } from './hold'
import { Timer } from '../../components/Timer'
import { eventQuery } from '../events/query'
import { RequireSession } from '../session/RequireSession'
import { Icon } from '../../components/Icon'
import type { PaymentProgress } from './progress'
import { PaymentFrame } from './PaymentFrame'
import './checkout.css'

const StripeForm = lazy(() => import('./StripeForm'))
const route = getRouteApi('/checkout/$hold')

export function CheckoutPage() {
  const { hold } = route.useParams()
  return <RequireSession>{() => <Checkout id={hold} />}</RequireSession>
}

function Checkout({ id }: { id: string }) {
  const t = useText()
  const hold = useQuery({ ...holdQuery(id), refetchInterval: 30_000 })
  useTitle(t('checkout.title'))
  useEffect(() => {
    if (hold.data) dispatch({ type: 'hold', hold: hold.data })
    if (hold.error && asProblem(hold.error).code === 'hold_expired') dispatch({ type: 'expired' })
  }, [hold.data, hold.error])

  if (hold.isPending) return <Loading />
  if (hold.isError && !hold.data) {
    const status = asProblem(hold.error).status
    if (status === 410 || status === 404) return <HoldExpired />
    return (
      <div className="page page-narrow">
        <Failure error={hold.error} retry={() => void hold.refetch()} />
      </div>
    )
  }
  if (!hold.data) return <Loading />
  if (hold.data.status === 'expired' || hold.data.status === 'released') return <HoldExpired event={hold.data.event} />
  return <PaymentStep hold={hold.data} />
}

/** Shown when the hold has ended: says why and offers the same seats again. */
function HoldExpired({ event }: { event?: string }) {
  const t = useText()
  const cart = useCart()
  const where = event ?? (cart.kind === 'expired' ? cart.event : undefined)
  return (
    <Empty
      title={t('cart.over')}
      action={
        where ? (
          <Link to="/events/$id/tickets" params={{ id: where }} className="button button-light">
            {t('cart.again')}
          </Link>
        ) : (
          <Link to="/search" className="button button-light">
            {t('nav.discover')}
          </Link>
        )
      }
    >
      {t('cart.over_text')}
    </Empty>
  )
}

function PaymentStep({ hold }: { hold: Hold }) {
  const t = useText()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const event = useQuery({ ...eventQuery(hold.event), refetchInterval: false })
  const provider = useQuery(providerQuery)
  const [paying, setPaying] = useState<PaymentProgress>('idle')
  const [timeIsUp, setTimeIsUp] = useState(false)
  const started = useRef(false)
  const free = hold.total.amount === 0

  const order = useMutation({
    mutationFn: async (): Promise<BookingView> =>
      unwrap(
        api.POST('/api/v1/bookings', {
          // Idempotent per hold: opening this page again makes no second booking.
          params: { header: { 'Idempotency-Key': `checkout-${hold.id}`, Prefer: 'wait=8' } },
          body: { hold: hold.id },
        }),
      ),
    onSuccess: (made) => queries.setQueryData(bookingQuery(made.id).queryKey, made),
  })
  const bookingId = order.data?.id ?? hold.booking
  const booking = useQuery({
    ...bookingQuery(bookingId ?? ''),
    enabled: Boolean(bookingId),
    refetchInterval: 10_000,
  }).data
  const remove = useMutation({
    mutationFn: (unit: string) =>
      changeHold(
        hold,
        hold.units.map((u) => u.unit).filter((u) => u !== unit),
      ),
    onSuccess: (changed) => queries.setQueryData(holdQuery(hold.id).queryKey, changed),
    onError: () => void queries.invalidateQueries(holdQuery(hold.id)),
  })

  useStream(bookingId ? `/api/v1/bookings/${bookingId}/stream` : null, (e) => {
    if (e.event !== 'booking') return
    queries.setQueryData(bookingQuery(bookingId!).queryKey, JSON.parse(e.data) as BookingView)
  })

  // Continues a checkout that had begun before the page was left.
  useEffect(() => {
    if (hold.booking && !started.current) {
      started.current = true
      order.mutate()
    }
  }, [hold.booking, order])

  const status = booking?.status
  useEffect(() => {
    if (status && (isPaid(status) || status === 'refunded')) {
      dispatch({ type: 'finished', hold: hold.id })
      void navigate({ to: '/bookings/$id', params: { id: bookingId! }, replace: true })
    }
  }, [status, bookingId, hold.id, navigate])

  const stop = useMutation({
    mutationFn: () =>
      unwrap(api.POST('/api/v1/bookings/{booking}/cancel', { params: { path: { booking: bookingId! } } })),
    onSuccess: () => {
      dispatch({ type: 'released' })
      void navigate({ to: '/events/$id/tickets', params: { id: hold.event } })
    },
  })

  const ended = status === 'expired' || status === 'failed' || status === 'cancelled'
  const secret = booking?.payment?.clientSecret ?? order.data?.payment?.clientSecret
  const deadline = hold.expiresAt
  if (ended)
    return (
      <Empty
        title={t(`booking.status.${status}`)}
        action={
          <Link to="/events/$id/tickets" params={{ id: hold.event }} className="button button-light">
            {t('cart.again')}
          </Link>
        }
      >
        {t(`booking.why.${status}`)}
      </Empty>
    )
  return (
    <div className="page checkout">
      <div className="checkout-head">
        <Link to="/events/$id/tickets" params={{ id: hold.event }} className="button button-quiet button-small">
          <Icon name="back" size={18} />
          {t('checkout.change')}
        </Link>
        <Timer
          deadline={deadline}
          onOver={() => {
            setTimeIsUp(true)
            if (paying === 'idle') dispatch({ type: 'expired' })
          }}
        />
      </div>
      <h1>{t('checkout.title')}</h1>
      <div className="checkout-grid">
        <section className="checkout-summary" aria-labelledby="summary">
          <div>
            <h2 id="summary" dir="auto">
              {event.data?.name ?? <Skeleton w="60%" />}
            </h2>
            {event.data && (
              <p className="muted">
                {dayTime(event.data.startsAt, event.data.timeZone)} · {event.data.venue.name}
              </p>
            )}
          </div>
          <ul className="checkout-lines">
            {hold.units.map((unit) => (
              <li key={unit.unit}>
                <span>
                  <strong>{unit.ticketTypeName ?? t('checkout.ticket')}</strong>
                  {unit.label !== unit.ticketTypeName && <span className="small muted">{unitName(t, unit)}</span>}
                </span>
                <span className="tabular">{money(unit.price)}</span>
                {!bookingId && hold.units.length > 1 && (
                  <button
                    type="button"
                    className="icon-button"
                    disabled={remove.isPending}
                    aria-label={`${t('seats.remove')}: ${unitName(t, unit)}`}
                    onClick={() => remove.mutate(unit.unit)}
                  >
                    <Icon name="trash" size={19} />
                  </button>
                )}
              </li>
            ))}
          </ul>
          <p className="checkout-total">
            <span>{t('checkout.total')}</span>
            <strong className="tabular">{money(hold.total)}</strong>
          </p>
          <p className="small muted">{t('event.all_in')}</p>
        </section>
        <section className="stack" aria-label={t('checkout.payment')}>
          {timeIsUp && paying === 'idle' && (
            <Notice tone="bad" title={t('cart.over')} live>
              <div>
                <Link to="/events/$id/tickets" params={{ id: hold.event }} className="button button-small">
                  {t('cart.again')}
                </Link>
              </div>
            </Notice>
          )}
          {order.isError && <Failure error={order.error} retry={() => order.mutate()} />}
          {!secret && !order.isError && (
            <div className="stack card">
              <h2>{t('checkout.payment')}</h2>
              <p>{free ? t('checkout.explain_free') : t('checkout.explain')}</p>
              <button
                type="button"
                className="button button-light button-wide"
                disabled={order.isPending || timeIsUp || Boolean(bookingId)}
                onClick={() => {
                  started.current = true
                  order.mutate()
                }}
              >
                {order.isPending || bookingId ? (
                  <>
                    <span className="spinner" /> {t('checkout.preparing')}
                  </>
                ) : (
                  t(free ? 'checkout.confirm_free' : 'checkout.to_payment')
                )}
              </button>
            </div>
          )}
          {provider.isError && <Failure error={provider.error} retry={() => void provider.refetch()} />}
          {secret && provider.data && !timeIsUp && (
            <div className="stack card">
              <h2>{t('checkout.payment')}</h2>
              {provider.data.provider === 'stripe' ? (
                <Suspense fallback={<Skeleton h="12rem" />}>
                  <StripeForm
                    publishableKey={provider.data.publishableKey}
                    secret={secret}
                    locale={currentLocale()}
                    onStatus={setPaying}
                  />
                </Suspense>
              ) : (
                <PaymentFrame
                  form={provider.data.formUrl ?? ''}
                  secret={secret}
                  locale={currentLocale()}
                  onStatus={setPaying}
                />
              )}
            </div>
          )}
          {paying === 'succeeded' && (
            <Notice tone="good" title={t('checkout.confirming')} live>
              {t('checkout.confirming_text')}
            </Notice>
          )}
          {bookingId && paying === 'idle' && (
            <button
              type="button"
              className="button button-quiet button-small self-start"
              disabled={stop.isPending}
              onClick={() => stop.mutate()}
            >
              {t('checkout.stop')}
            </button>
          )}
          {stop.isError && <Failure error={stop.error} />}
        </section>
      </div>
    </div>
  )
}
