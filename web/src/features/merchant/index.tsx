import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, idempotencyKey, unwrap, type Event as EventView } from '../../api/client'
import { Icon } from '../../components/Icon'
import { useTitle } from '../../components/title'
import { Skeleton, Empty, Failure, Field, Loading, Notice } from '../../components/ui'
import { dayTime, money, number, place } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { useStream } from '../../live/hooks'
import { QueueControl } from '../office/QueueControl'
import { Stat } from '../office/Stat'
import { useOfficeTexts } from '../office/useOfficeTexts'
import { RequireSession } from '../session/RequireSession'
import { EventForm } from './EventForm'
import { PlanPage } from './PlanEditor'
import { merchantEventQuery, merchantEventsQuery, salesQuery, venuesQuery } from './query'
import '../office/office.css'

const eventRoute = getRouteApi('/merchant/events/$id')
const planRoute = getRouteApi('/merchant/venues/$id')

export function MerchantLayout() {
  const t = useText('office')
  const ready = useOfficeTexts()
  if (!ready) return <Loading />
  return (
    <RequireSession needs="merchant">
      {() => (
        <div className="page">
          <nav className="office-nav" aria-label={t('nav.merchant')}>
            <Link to="/merchant" activeOptions={{ exact: true }} className="chip">
              <Icon name="ticket" size={18} />
              {t('events.title')}
            </Link>
            <Link to="/merchant/venues" className="chip">
              <Icon name="venue" size={18} />
              {t('venues.title')}
            </Link>
          </nav>
          <Outlet />
        </div>
      )}
    </RequireSession>
  )
}

export function Events() {
  const t = useText('office')
  useTitle(t('events.title'))
  const events = useInfiniteQuery(merchantEventsQuery)
  const all = events.data?.pages.flatMap((page) => page.items)
  return (
    <section className="stack">
      <div className="cluster between">
        <h1>{t('events.title')}</h1>
        <Link to="/merchant/events/new" className="button button-light">
          <Icon name="plus" size={20} />
          {t('events.new')}
        </Link>
      </div>
      {events.isError && <Failure error={events.error} retry={() => void events.refetch()} />}
      {events.isPending && <Skeleton h="20rem" />}
      {all?.length === 0 && <Empty title={t('events.none')} />}
      <ul className="office-list">
        {all?.map((event) => (
          <li key={event.id}>
            <div className="stack-s">
              <Link to="/merchant/events/$id" params={{ id: event.id }} dir="auto">
                <strong>{event.name}</strong>
              </Link>
              <span className="small muted">
                {dayTime(event.startsAt, event.timeZone)} · {event.venue.name}
              </span>
            </div>
            <div className="cluster">
              {event.status === 'published' && event.ticketTypes.length > 0 && (
                <span className="small tabular">
                  {t('events.sold', {
                    sold: number(event.availability.booked),
                    total: number(event.availability.available + event.availability.held + event.availability.booked),
                  })}
                </span>
              )}
              <EventTag event={event} />
            </div>
          </li>
        ))}
      </ul>
      {events.hasNextPage && (
        <button type="button" className="button" onClick={() => void events.fetchNextPage()}>
          {t('common.more_results')}
        </button>
      )}
    </section>
  )
}

function EventTag({ event }: { event: EventView }) {
  const t = useText('office')
  const tone = event.status === 'published' ? 'good' : event.status === 'cancelled' ? 'bad' : 'warn'
  return <span className={`tag tag-${tone}`}>{t(`events.status_${event.status}`)}</span>
}

export function NewEvent() {
  const t = useText('office')
  useTitle(t('events.new'))
  return (
    <section className="stack office-form">
      <h1>{t('events.new')}</h1>
      <EventForm />
    </section>
  )
}

export function Event() {
  const { id } = eventRoute.useParams()
  const event = useQuery(merchantEventQuery(id))
  useTitle(event.data?.name)
  if (event.isError) return <Failure error={event.error} retry={() => void event.refetch()} />
  if (!event.data) return <Skeleton h="30rem" />
  return <EventDashboard key={event.data.version} event={event.data} />
}

function EventDashboard({ event }: { event: EventView }) {
  const t = useText('office')
  const queries = useQueryClient()
  const [editing, setEditing] = useState(event.status === 'draft')
  const done = (next: EventView) => {
    queries.setQueryData(merchantEventQuery(event.id).queryKey, next)
    void queries.invalidateQueries({ queryKey: merchantEventsQuery.queryKey })
  }
  const publish = useMutation({
    mutationFn: () => unwrap(api.POST('/api/v1/events/{id}/publish', { params: { path: { id: event.id } } })),
    onSuccess: done,
  })
  const cancel = useMutation({
    mutationFn: () => unwrap(api.POST('/api/v1/events/{id}/cancel', { params: { path: { id: event.id } } })),
    onSuccess: done,
  })
  const [confirmingCancel, setConfirmingCancel] = useState(false)
  return (
    <section className="stack">
      <div className="cluster between">
        <div className="stack-s">
          <h1 dir="auto">{event.name}</h1>
          <div className="cluster">
            <EventTag event={event} />
            <span className="muted small">
              {dayTime(event.startsAt, event.timeZone)} · {event.venue.name}
            </span>
          </div>
        </div>
        <div className="cluster">
          {event.status === 'draft' && (
            <button
              type="button"
              className="button button-light"
              disabled={publish.isPending}
              onClick={() => publish.mutate()}
            >
              {t('events.publish')}
            </button>
          )}
          {event.status === 'published' && (
            <Link to="/events/$id" params={{ id: event.id }} className="button">
              <Icon name="eye" size={20} />
              {t('events.view')}
            </Link>
          )}
          {event.status !== 'cancelled' && (
            <button type="button" className="button" aria-expanded={editing} onClick={() => setEditing(!editing)}>
              {t('events.edit')}
            </button>
          )}
        </div>
      </div>
      {publish.isError && <Failure error={publish.error} />}
      {event.status !== 'draft' && event.ticketTypes.length > 0 && <SalesView id={event.id} />}
      {event.status === 'published' && event.highDemand && (
        <div className="card stack">
          <h2>{t('admin.queues')}</h2>
          <QueueControl event={event.id} />
        </div>
      )}
      {editing && <EventForm event={event} />}
      {event.status === 'published' && (
        <div className="stack-s">
          {confirmingCancel ? (
            <Notice tone="bad" title={t('events.cancel_sure')}>
              <div className="cluster">
                <button
                  type="button"
                  className="button button-bad button-small"
                  disabled={cancel.isPending}
                  onClick={() => cancel.mutate()}
                >
                  {t('events.cancel')}
                </button>
                <button
                  type="button"
                  className="button button-quiet button-small"
                  onClick={() => setConfirmingCancel(false)}
                >
                  {t('common.back')}
                </button>
              </div>
            </Notice>
          ) : (
            <button
              type="button"
              className="button button-bad button-small self-start"
              onClick={() => setConfirmingCancel(true)}
            >
              {t('events.cancel')}
            </button>
          )}
          {cancel.isError && <Failure error={cancel.error} />}
        </div>
      )}
    </section>
  )
}

/** The sales so far, refetched on events of the seat stream. */
function SalesView({ id }: { id: string }) {
  const t = useText('office')
  const queries = useQueryClient()
  const sales = useQuery(salesQuery(id))
  useStream(`/api/v1/events/${id}/seats/stream?units=none`, (e) => {
    if (e.event === 'delta') void queries.invalidateQueries(salesQuery(id), { cancelRefetch: false })
  })
  if (sales.isError) return <Failure error={sales.error} retry={() => void sales.refetch()} />
  if (!sales.data) return <Skeleton h="12rem" />
  const { inventory } = sales.data
  const share = (n: number) => `${(n / Math.max(1, inventory.total)) * 100}%`
  return (
    <div className="card stack" aria-live="polite">
      <div className="cluster between">
        <h2>{t('sales.title')}</h2>
        <span className="tag tag-good">{t('sales.live')}</span>
      </div>
      <dl className="office-stats">
        <Stat label={t('sales.sold')} value={number(sales.data.sold)} />
        <Stat label={t('sales.held')} value={number(inventory.held)} />
        <Stat label={t('sales.left')} value={number(inventory.available)} />
        <Stat label={t('sales.revenue')} value={money(sales.data.revenue)} />
      </dl>
      <div className="office-bar" aria-hidden="true">
        <span style={{ width: share(inventory.booked) }} />
        <span style={{ width: share(inventory.held) }} />
      </div>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('event.type_name')}</th>
            <th scope="col" className="num">
              {t('sales.sold')}
            </th>
            <th scope="col" className="num">
              {t('sales.refunded')}
            </th>
            <th scope="col" className="num">
              {t('sales.revenue')}
            </th>
          </tr>
        </thead>
        <tbody>
          {sales.data.ticketTypes.map((type) => (
            <tr key={type.ticketType}>
              <td>{type.name}</td>
              <td className="num">{number(type.sold)}</td>
              <td className="num">{number(type.refunded)}</td>
              <td className="num">{money(type.revenue)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sales.data.cancellation && (
        <p className="small">
          {t('sales.refunding', { done: sales.data.cancellation.done, total: sales.data.cancellation.total })}
        </p>
      )}
    </div>
  )
}

export function Venues() {
  const t = useText('office')
  const navigate = useNavigate()
  const queries = useQueryClient()
  useTitle(t('venues.title'))
  const venues = useQuery(venuesQuery)
  const create = useMutation({
    mutationFn: (form: FormData) =>
      unwrap(
        api.POST('/api/v1/venues', {
          params: { header: idempotencyKey() },
          body: {
            name: String(form.get('name')),
            city: String(form.get('city')),
            country: String(form.get('country')).toUpperCase(),
            timeZone: String(form.get('timeZone')),
          },
        }),
      ),
    onSuccess: (venue) => {
      void queries.invalidateQueries(venuesQuery)
      void navigate({ to: '/merchant/venues/$id', params: { id: venue.id } })
    },
  })
  return (
    <section className="stack">
      <h1>{t('venues.title')}</h1>
      {venues.isError && <Failure error={venues.error} retry={() => void venues.refetch()} />}
      {venues.isPending && <Skeleton h="10rem" />}
      <ul className="office-list">
        {venues.data?.items.map((venue) => (
          <li key={venue.id}>
            <div className="stack-s">
              <Link to="/merchant/venues/$id" params={{ id: venue.id }} dir="auto">
                <strong>{venue.name}</strong>
              </Link>
              <span className="small muted">
                {place(venue)} · {venue.timeZone}
              </span>
            </div>
            <span className="tag">{venue.hasPlan ? t('venues.has_plan') : t('venues.no_plan')}</span>
          </li>
        ))}
      </ul>
      <form
        className="office-type-row office-form-narrow"
        onSubmit={(e) => {
          e.preventDefault()
          create.mutate(new FormData(e.currentTarget))
        }}
      >
        <h2>{t('venues.new')}</h2>
        <div className="form-grid">
          <Field id="venue-name" label={t('venues.name')}>
            <input id="venue-name" name="name" className="input" required maxLength={200} />
          </Field>
          <Field id="venue-city" label={t('venues.city')}>
            <input id="venue-city" name="city" className="input" required maxLength={100} />
          </Field>
          <Field id="venue-country" label={t('venues.country')}>
            <input
              id="venue-country"
              name="country"
              className="input"
              required
              pattern="[A-Za-z]{2}"
              maxLength={2}
              placeholder="DE"
            />
          </Field>
          <Field id="venue-zone" label={t('venues.zone')}>
            <select
              id="venue-zone"
              name="timeZone"
              className="input"
              defaultValue={Intl.DateTimeFormat().resolvedOptions().timeZone}
            >
              {Intl.supportedValuesOf('timeZone').map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </select>
          </Field>
        </div>
        {create.isError && <Failure error={create.error} />}
        <button type="submit" className="button button-light self-start" disabled={create.isPending}>
          {t('venues.create')}
        </button>
      </form>
    </section>
  )
}

export function Plan() {
  const { id } = planRoute.useParams()
  return <PlanPage id={id} />
}
