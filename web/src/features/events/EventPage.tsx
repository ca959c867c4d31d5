import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { Event } from '../../api/client'
import { Icon } from '../../components/Icon'
import { Poster } from '../../components/Poster'
import { useTitle } from '../../components/title'
import { Skeleton, Empty, Failure, Loading, Notice } from '../../components/ui'
import { asProblem } from '../../api/problem'
import { useText, type Text } from '../../i18n/text'
import { serverNow } from '../../live/clock'
import { dayRange, dayTime, longDay, money, number, place, time, viewerTime, zoneName } from '../../i18n/format'
import { categoryName } from './category'
import { severalDays } from '../../listing/hit'
import { eventQuery, lowestPrice } from './query'

const route = getRouteApi('/events/$id')

export function EventPage() {
  const { id } = route.useParams()
  const t = useText()
  const event = useQuery(eventQuery(id))
  useTitle(event.data?.name)
  if (event.isPending) return <EventSkeleton />
  if (event.isError) {
    if (asProblem(event.error).status === 404)
      return (
        <Empty
          title={t('event.not_found')}
          action={
            <Link to="/search" className="button button-light">
              {t('event.see_others')}
            </Link>
          }
        >
          {t('event.not_found_text')}
        </Empty>
      )
    return (
      <div className="page page-narrow">
        <Failure error={event.error} retry={() => void event.refetch()} />
      </div>
    )
  }
  return <EventDetails event={event.data} />
}

/** What one can do about an event now: exactly one thing. */
function nextStep(
  event: Event,
  now: number,
): 'buy' | 'queue' | 'soon' | 'over' | 'sold_out' | 'cancelled' | 'outside' | 'none' {
  if (event.status === 'cancelled') return 'cancelled'
  if (Date.parse(event.endsAt) < now) return 'over'
  if (event.ticketTypes.length === 0) return event.url ? 'outside' : 'none'
  if (Date.parse(event.salesEnd) < now) return 'over'
  if (event.highDemand) return 'queue'
  if (Date.parse(event.salesStart) > now) return 'soon'
  return event.availability.status === 'sold_out' ? 'sold_out' : 'buy'
}

function EventDetails({ event }: { event: Event }) {
  const t = useText()
  const step = nextStep(event, serverNow())
  const from = lowestPrice(event)
  const yours = severalDays(event) ? null : viewerTime(event.startsAt, event.timeZone)
  const seated = event.ticketTypes.some((type) => type.seated)
  return (
    <article className="event-page">
      <div className="event-hero">
        <Poster id={event.id} category={event.category} image={event.image} className="event-poster" />
        <div className="event-title">
          <p className="cluster">
            <Link to="/search" search={{ category: event.category }} className="chip">
              {categoryName(t, event.category)}
            </Link>
            {event.highDemand && <span className="tag tag-warn">{t('event.high_demand')}</span>}
          </p>
          <h1 dir="auto">{event.name}</h1>
          {event.performers && event.performers.length > 0 && (
            <p className="event-performers" dir="auto">
              {event.performers.join(' · ')}
            </p>
          )}
          <ul className="event-facts">
            <li>
              <Icon name="calendar" />
              <div>
                <strong>
                  {severalDays(event)
                    ? dayRange(event.startsAt, event.endsAt, event.timeZone)
                    : longDay(event.startsAt, event.timeZone)}
                </strong>
                {!severalDays(event) && (
                  <span>
                    {time(event.startsAt, event.timeZone)} – {time(event.endsAt, event.timeZone)}{' '}
                    <span className="muted">{zoneName(event.startsAt, event.timeZone)}</span>
                  </span>
                )}
                {yours && <span className="muted small">{t('event.your_time', { time: yours })}</span>}
              </div>
            </li>
            <li>
              <Icon name={event.venue.city ? 'pin' : 'globe'} />
              <div>
                <strong>{event.venue.city ? event.venue.name : t('event.online')}</strong>
                {event.venue.city && <span>{place(event.venue)}</span>}
                {event.venue.city && event.online && <span className="muted small">{t('event.also_online')}</span>}
              </div>
            </li>
          </ul>
          <div className="event-action">
            <NextStepButton event={event} step={step} seated={seated} />
            {from && step !== 'cancelled' && step !== 'over' && (
              <div className="event-action-price">
                <strong>{from.amount === 0 ? t('event.free') : t('event.from', { price: money(from) })}</strong>
                <RemainingTickets event={event} />
              </div>
            )}
          </div>
        </div>
      </div>

      <div className="event-body">
        <div className="stack">
          {step === 'cancelled' && (
            <Notice tone="bad" title={t('event.cancelled')}>
              {t('event.cancelled_text')}
            </Notice>
          )}
          {event.description && (
            <p className="event-description" dir="auto">
              {event.description}
            </p>
          )}
          {event.topics && event.topics.length > 0 && (
            <ul className="chips">
              {event.topics.map((topic) => (
                <li key={topic}>
                  <Link to="/search" search={{ q: topic }} className="chip">
                    {topic}
                  </Link>
                </li>
              ))}
            </ul>
          )}
          {event.url && step !== 'outside' && (
            <a href={event.url} rel="noopener" className="small">
              {t('event.website')}
            </a>
          )}
        </div>
        {event.ticketTypes.length > 0 && (
          <section className="stack">
            <h2>{t('event.prices')}</h2>
            <ul className="event-prices">
              {event.ticketTypes.map((type) => (
                <li key={type.id}>
                  <span>
                    {type.name}
                    <span className="muted small"> · {admits(event, type.seated, t)}</span>
                  </span>
                  <span className="tabular">{type.price.amount === 0 ? t('event.free') : money(type.price)}</span>
                </li>
              ))}
            </ul>
            <ul className="event-terms muted small">
              <li>{t('event.all_in')}</li>
              <li>{t('event.max', { count: event.maxPerOrder })}</li>
              <li>
                {event.refundableUntil
                  ? t('event.refund_until', { date: dayTime(event.refundableUntil, event.timeZone) })
                  : t('event.no_refund')}
              </li>
            </ul>
          </section>
        )}
      </div>
    </article>
  )
}

/** What a ticket of this type lets one have: a seat of one's own, a place in the room, or the stream. */
function admits(event: Event, seated: boolean, t: Text): string {
  if (seated) return t('event.seated')
  return event.venue.city ? t('event.standing') : t('event.online_access')
}

function RemainingTickets({ event }: { event: Event }) {
  const t = useText()
  const { available, status } = event.availability
  if (status === 'sold_out') return <span className="small">{t('event.sold_out')}</span>
  return (
    <span className={`small tabular ${status === 'few' ? 'event-few' : 'muted'}`}>
      {t('event.left', { count: available, n: number(available) })}
    </span>
  )
}

function NextStepButton({ event, step, seated }: { event: Event; step: ReturnType<typeof nextStep>; seated: boolean }) {
  const t = useText()
  switch (step) {
    case 'buy':
      return (
        <Link to="/events/$id/tickets" params={{ id: event.id }} className="button button-light">
          {seated ? t('event.choose_seats') : t('event.get_tickets')}
        </Link>
      )
    case 'queue':
      return (
        <Link to="/events/$id/queue" params={{ id: event.id }} className="button button-light">
          {t('event.join_queue')}
        </Link>
      )
    case 'sold_out':
      return (
        <Link to="/events/$id/queue" params={{ id: event.id }} className="button">
          {t('event.waiting_list')}
        </Link>
      )
    case 'soon':
      return <span className="tag">{t('event.sale_starts', { date: dayTime(event.salesStart, event.timeZone) })}</span>
    case 'over':
      return <span className="tag">{t('event.over')}</span>
    case 'cancelled':
      return <span className="tag tag-bad">{t('event.cancelled')}</span>
    case 'outside':
      return (
        <a href={event.url} rel="noopener" className="button button-light">
          {t('event.outside')}
        </a>
      )
    default:
      return null
  }
}

function EventSkeleton() {
  return (
    <Loading>
      <div className="event-page">
        <div className="event-hero">
          <div className="poster skeleton event-poster" />
          <div className="event-title">
            <div className="skeleton event-kind" />
            <Skeleton w="80%" h="3.5rem" />
            <Skeleton w="50%" />
            <Skeleton w="70%" h="3rem" />
            <Skeleton w="60%" h="3rem" />
          </div>
        </div>
      </div>
    </Loading>
  )
}
