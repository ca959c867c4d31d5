import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { useState } from 'react'
import type { operations } from '../../api/auth.gen'
import { api, unwrap, type BookingStatus } from '../../api/client'
import { Icon } from '../../components/Icon'
import { useTitle } from '../../components/title'
import { Skeleton, Empty, Failure, Loading, Notice } from '../../components/ui'
import { dayTime, moment, money, number } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { StatusTag } from '../bookings/StatusTag'
import { LoadMore } from '../office/LoadMore'
import { QueueControl } from '../office/QueueControl'
import { Stat } from '../office/Stat'
import { useOfficeTexts } from '../office/useOfficeTexts'
import { RequireSession } from '../session/RequireSession'
import { adminBookingsQuery, queuedEventsQuery, reconciliationQuery, usersKey, usersQuery } from './query'
import '../office/office.css'

/** The layout of the administration; loads its texts. */
export function AdminLayout() {
  const t = useText('office')
  const ready = useOfficeTexts()
  if (!ready) return <Loading />
  return (
    <RequireSession needs="admin">
      {() => (
        <div className="page">
          <nav className="office-nav" aria-label={t('nav.admin')}>
            <Link to="/admin" activeOptions={{ exact: true }} className="chip">
              <Icon name="people" size={18} />
              {t('admin.users')}
            </Link>
            <Link to="/admin/bookings" className="chip">
              <Icon name="ticket" size={18} />
              {t('admin.bookings')}
            </Link>
            <Link to="/admin/queues" className="chip">
              <Icon name="clock" size={18} />
              {t('admin.queues')}
            </Link>
            <Link to="/admin/reconciliation" className="chip">
              <Icon name="scale" size={18} />
              {t('admin.money')}
            </Link>
            <Link to="/admin/audit" className="chip">
              <Icon name="info" size={18} />
              {t('admin.audit')}
            </Link>
          </nav>
          <Outlet />
        </div>
      )}
    </RequireSession>
  )
}

type UserChange = operations['updateUser']['requestBody']['content']['application/json']
type Role = NonNullable<UserChange['roles']>[number]

const isRole = (role: string): role is Role => role === 'customer' || role === 'merchant' || role === 'admin'

export function Users() {
  const t = useText('office')
  const queries = useQueryClient()
  const [q, setQ] = useState('')
  const users = useInfiniteQuery(usersQuery(q))
  const change = useMutation({
    mutationFn: ({ id, ...body }: UserChange & { id: string }) =>
      unwrap(api.PATCH('/api/v1/admin/users/{id}', { params: { path: { id } }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: usersKey }),
  })
  useTitle(t('admin.users'))
  return (
    <section className="stack">
      <h1>{t('admin.users')}</h1>
      <form
        className="cluster"
        role="search"
        onSubmit={(e) => {
          e.preventDefault()
          setQ(String(new FormData(e.currentTarget).get('q') ?? '').trim())
        }}
      >
        <label className="sr" htmlFor="user-q">
          {t('admin.find_user')}
        </label>
        <input id="user-q" name="q" className="input office-search-input" placeholder={t('admin.find_user')} />
        <button type="submit" className="button">
          <Icon name="search" size={20} />
          {t('admin.find')}
        </button>
      </form>
      {change.isError && <Failure error={change.error} />}
      {users.isError && <Failure error={users.error} retry={() => void users.refetch()} />}
      {users.isPending && <Skeleton h="20rem" />}
      <ul className="office-list">
        {users.data?.pages
          .flatMap((page) => page.items)
          .map((user) => (
            <li key={user.account}>
              <div className="stack-s">
                <strong dir="auto">{user.name}</strong>
                <span className="small muted">
                  {user.email} · {user.emailVerified ? t('admin.verified') : t('admin.unverified')}
                </span>
              </div>
              <div className="cluster">
                {(['merchant', 'admin'] as const).map((role) => {
                  const has = user.roles.includes(role)
                  const own = user.roles.filter(isRole)
                  return (
                    <button
                      key={role}
                      type="button"
                      className="chip"
                      aria-pressed={has}
                      disabled={change.isPending}
                      onClick={() =>
                        change.mutate({ id: user.account, roles: has ? own.filter((r) => r !== role) : [...own, role] })
                      }
                    >
                      {t(`admin.role_${role}`)}
                    </button>
                  )
                })}
                <button
                  type="button"
                  className={user.enabled ? 'button button-quiet button-small' : 'chip office-chip-bad'}
                  aria-pressed={!user.enabled}
                  disabled={change.isPending}
                  onClick={() => change.mutate({ id: user.account, enabled: !user.enabled })}
                >
                  {user.enabled ? t('admin.lock') : t('admin.locked')}
                </button>
              </div>
            </li>
          ))}
      </ul>
      {users.hasNextPage && <LoadMore onClick={() => void users.fetchNextPage()} />}
    </section>
  )
}

const statuses: BookingStatus[] = [
  'requested',
  'awaiting_payment',
  'secured',
  'confirmed',
  'expired',
  'failed',
  'cancelled',
  'refunding',
  'refunded',
]

export function Bookings() {
  const t = useText('office')
  const [status, setStatus] = useState<BookingStatus | ''>('')
  const bookings = useInfiniteQuery(adminBookingsQuery(status || undefined))
  const all = bookings.data?.pages.flatMap((page) => page.items)
  return (
    <section className="stack">
      <h1>{t('admin.bookings')}</h1>
      <div className="cluster">
        <label className="label" htmlFor="status">
          {t('booking.state')}
        </label>
        <select
          id="status"
          className="input input-fit"
          value={status}
          onChange={(e) => setStatus(e.target.value as BookingStatus | '')}
        >
          <option value="">{t('admin.any')}</option>
          {statuses.map((s) => (
            <option key={s} value={s}>
              {t(`booking.status.${s}`)}
            </option>
          ))}
        </select>
      </div>
      {bookings.isError && <Failure error={bookings.error} retry={() => void bookings.refetch()} />}
      {bookings.isPending && <Skeleton h="20rem" />}
      {all?.length === 0 && <Empty title={t('admin.no_bookings')} />}
      <ul className="office-list">
        {all?.map((booking) => (
          <li key={booking.id}>
            <div className="stack-s">
              <Link to="/bookings/$id" params={{ id: booking.id }} dir="auto">
                <strong>{booking.occasion.name}</strong>
              </Link>
              <span className="small muted">
                {moment(booking.createdAt)} · {t('cart.count', { count: booking.units.length })}
              </span>
              <span className="code muted">{booking.id}</span>
            </div>
            <div className="cluster">
              <strong className="tabular">{money(booking.total)}</strong>
              <StatusTag status={booking.status} />
            </div>
          </li>
        ))}
      </ul>
      {bookings.hasNextPage && <LoadMore onClick={() => void bookings.fetchNextPage()} />}
    </section>
  )
}

export function Queues() {
  const t = useText('office')
  const events = useQuery(queuedEventsQuery)
  return (
    <section className="stack">
      <h1>{t('admin.queues')}</h1>
      <p className="muted">{t('admin.queues_text')}</p>
      {events.isPending && <Skeleton h="10rem" />}
      {events.isError && <Failure error={events.error} retry={() => void events.refetch()} />}
      {events.data?.length === 0 && <Empty title={t('admin.no_queues')} />}
      <ul className="office-list">
        {events.data?.map((event) => (
          <li key={event.id}>
            <div className="stack-s">
              <Link to="/events/$id" params={{ id: event.id }} dir="auto">
                <strong>{event.name}</strong>
              </Link>
              <span className="small muted">{dayTime(event.startsAt, event.timeZone)}</span>
            </div>
            <QueueControl event={event.id} />
          </li>
        ))}
      </ul>
    </section>
  )
}

export function ReconciliationPage() {
  const t = useText('office')
  const queries = useQueryClient()
  const last = useQuery(reconciliationQuery)
  const run = useMutation({
    mutationFn: () => unwrap(api.POST('/api/v1/admin/reconciliation/run', { body: {} })),
    onSuccess: (report) => queries.setQueryData(reconciliationQuery.queryKey, report),
  })
  const report = last.data
  return (
    <section className="stack">
      <h1>{t('admin.money')}</h1>
      <p className="muted">{t('money.explain')}</p>
      <div className="cluster">
        <button type="button" className="button button-light" disabled={run.isPending} onClick={() => run.mutate()}>
          {run.isPending ? <span className="spinner" /> : <Icon name="scale" size={20} />}
          {t('money.run')}
        </button>
        {report?.id && (
          <a className="button" href={`/api/v1/admin/reconciliation?run=${report.id}&format=csv`} download>
            <Icon name="download" size={20} />
            {t('money.csv')}
          </a>
        )}
      </div>
      {run.isError && <Failure error={run.error} />}
      {last.isError && <Failure error={last.error} retry={() => void last.refetch()} />}
      {last.isPending && <Skeleton h="12rem" />}
      {report && (
        <>
          <Notice
            tone={
              report.status === 'clean'
                ? 'good'
                : report.status === 'none'
                  ? 'plain'
                  : report.status === 'failed'
                    ? 'bad'
                    : 'warn'
            }
            title={t(`money.status_${report.status}`)}
            live
          >
            {report.finishedAt && <span className="small">{moment(report.finishedAt)}</span>}
          </Notice>
          {report.checked && (
            <dl className="office-stats">
              <Stat label={t('money.intents')} value={number(report.checked.intents)} />
              <Stat label={t('money.payments')} value={number(report.checked.payments)} />
              <Stat label={t('money.refunds')} value={number(report.checked.refunds)} />
              {!!report.checked.refundsNotAsked && (
                <Stat label={t('money.refunds_not_asked')} value={number(report.checked.refundsNotAsked)} />
              )}
              <Stat label={t('money.bookings')} value={number(report.checked.bookings)} />
            </dl>
          )}
          {report.findings.length > 0 && (
            <ul className="office-list">
              {report.findings.map((finding, i) => (
                <li key={i}>
                  <div className="stack-s">
                    <strong>{t.find(`money.kind_${finding.kind}`) ?? finding.kind}</strong>
                    {finding.detail && <span className="small">{finding.detail}</span>}
                    <span className="code muted">{[finding.intent, finding.booking].filter(Boolean).join(' · ')}</span>
                  </div>
                  <div className="cluster">
                    {finding.currency && (
                      <span className="small tabular">
                        {t('money.expected', {
                          expected: money({ amount: finding.expected, currency: finding.currency }),
                          actual: money({ amount: finding.actual, currency: finding.currency }),
                        })}
                      </span>
                    )}
                    <span className={`tag ${finding.healed ? 'tag-good' : 'tag-warn'}`}>
                      {finding.healed ? t('money.healed') : t('money.open')}
                    </span>
                  </div>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </section>
  )
}
