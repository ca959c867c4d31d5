import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { api, unwrap, type Notice } from '../../api/client'
import { useTitle } from '../../components/title'
import { Skeleton, Empty, Failure } from '../../components/ui'
import { moment, money } from '../../i18n/format'
import { useText, type Text } from '../../i18n/text'
import { eventQuery } from '../events/query'
import { RequireSession } from '../session/RequireSession'
import { notificationsQuery } from './query'
import './notifications.css'

export function NotificationsPage() {
  const t = useText()
  useTitle(t('notice.title'))
  return <RequireSession>{() => <Notices />}</RequireSession>
}

function Notices() {
  const t = useText()
  const queries = useQueryClient()
  const query = useQuery(notificationsQuery)
  const newest = query.data?.items.find((n) => !n.read)?.at
  useEffect(() => {
    if (!newest) return
    const timer = setTimeout(() => {
      void unwrap(api.POST('/api/v1/notifications/read', { body: { until: newest } })).then(() =>
        queries.setQueryData(
          notificationsQuery.queryKey,
          (now) => now && { ...now, items: now.items.map((n) => ({ ...n, read: true })) },
        ),
      )
    }, 2_000)
    return () => clearTimeout(timer)
  }, [newest, queries])
  return (
    <div className="page page-narrow stack">
      <h1>{t('notice.title')}</h1>
      {query.isPending && [1, 2, 3].map((n) => <Skeleton key={n} h="3.5rem" />)}
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.data?.items.length === 0 && <Empty title={t('notice.none')} />}
      <ul>
        {query.data?.items.map((notice) => (
          <li key={notice.id} className="notifications-item">
            <NoticeLink notice={notice}>
              <strong className={notice.read ? 'notifications-read' : undefined}>{headline(t, notice)}</strong>
            </NoticeLink>
            <p className="small muted">
              {notice.event && <EventName event={notice.event} />}
              {moment(notice.at)}
            </p>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** A notification's text. Free bookings do not mention money. */
function headline(t: Text, { kind, refund }: Notice): string {
  if (!refund) return t(kind === 'booking_partly_refunded' ? 'notice.booking_refunded' : `notice.${kind}`)
  const values = { amount: money(refund.amount), count: refund.units.length }
  if (refund.amount.amount === 0) {
    if (kind === 'booking_refunded') return t('notice.booking_refunded_free')
    if (kind === 'booking_partly_refunded') return t('notice.booking_partly_refunded_free', values)
  }
  return t(kind === 'booking_refunded' ? 'notice.booking_refunded_amount' : `notice.${kind}`, values)
}

/** The name of the event, once loaded; notifications contain ids only. */
function EventName({ event }: { event: string }) {
  const { data } = useQuery({ ...eventQuery(event), staleTime: Infinity, refetchInterval: false })
  return data ? (
    <>
      <span dir="auto">{data.name}</span> ·{' '}
    </>
  ) : null
}

function NoticeLink({ notice, children }: { notice: Notice; children: React.ReactNode }) {
  if (notice.booking)
    return (
      <Link to="/bookings/$id" params={{ id: notice.booking }}>
        {children}
      </Link>
    )
  if (notice.event)
    return (
      <Link to={notice.kind === 'your_turn' ? '/events/$id/queue' : '/events/$id'} params={{ id: notice.event }}>
        {children}
      </Link>
    )
  return children
}
