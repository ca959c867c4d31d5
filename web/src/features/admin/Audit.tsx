import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { components } from '../../api/auth.gen'
import { useTitle } from '../../components/title'
import { Skeleton, Empty, Failure } from '../../components/ui'
import { moment } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { LoadMore } from '../office/LoadMore'
import { auditQuery, type AuditFilter } from './query'

type Kind = components['schemas']['AuditKind']
type Person = components['schemas']['AuditAccount']

const kinds: Kind[] = [
  'sign_in',
  'sign_in_failed',
  'sign_out',
  'locked_out',
  'credential_changed',
  'token_refused',
  'console',
  'registered',
  'registered_again',
  'email_confirmed',
  'password_reset_requested',
  'password_reset',
  'account_locked',
  'account_unlocked',
  'roles_changed',
  'account_deleted',
  'data_exported',
]

/** The start of a day in the browser's time zone, or its end. */
function instant(day: string, last = false): string | undefined {
  if (!day) return undefined
  const at = new Date(`${day}T00:00:00`)
  if (last) at.setDate(at.getDate() + 1)
  return at.toISOString()
}

/** The audit log: sign-ins, passwords and the actions of admins. */
export function Audit() {
  const t = useText('office')
  useTitle(t('admin.audit'))
  const [filter, setFilter] = useState<AuditFilter>({})
  const trail = useInfiniteQuery(auditQuery(filter))
  const entries = trail.data?.pages.flatMap((page) => page.items)
  const toggleAccount = (account: string) =>
    setFilter((f) => ({ ...f, account: f.account === account ? undefined : account }))
  return (
    <section className="stack">
      <h1>{t('admin.audit')}</h1>
      <p className="muted">{t('admin.audit_text')}</p>
      <div className="cluster">
        <label className="label" htmlFor="audit-kind">
          {t('admin.audit_event')}
        </label>
        <select
          id="audit-kind"
          className="input input-fit"
          value={filter.kind ?? ''}
          onChange={(e) => setFilter((f) => ({ ...f, kind: (e.target.value || undefined) as Kind | undefined }))}
        >
          <option value="">{t('admin.any')}</option>
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {t(`admin.audit_kind.${kind}`)}
            </option>
          ))}
        </select>
        <label className="label" htmlFor="audit-from">
          {t('admin.audit_from')}
        </label>
        <input
          id="audit-from"
          type="date"
          className="input input-fit"
          onChange={(e) => setFilter((f) => ({ ...f, from: instant(e.target.value) }))}
        />
        <label className="label" htmlFor="audit-to">
          {t('admin.audit_to')}
        </label>
        <input
          id="audit-to"
          type="date"
          className="input input-fit"
          onChange={(e) => setFilter((f) => ({ ...f, to: instant(e.target.value, true) }))}
        />
      </div>
      {trail.isError && <Failure error={trail.error} retry={() => void trail.refetch()} />}
      {trail.isPending && <Skeleton h="20rem" />}
      {entries?.length === 0 && <Empty title={t('admin.audit_none')} />}
      {entries && entries.length > 0 && (
        <div className="office-scroll">
          <table className="small office-table">
            <thead>
              <tr>
                {(['time', 'event', 'account', 'by', 'address'] as const).map((column) => (
                  <th key={column} scope="col">
                    {t(`admin.audit_${column}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.id}>
                  <td className="office-nowrap">{moment(entry.at)}</td>
                  <td>{t(`admin.audit_kind.${entry.kind}`)}</td>
                  <td>
                    {entry.account && (
                      <button
                        type="button"
                        className="chip"
                        aria-pressed={filter.account === entry.account.id}
                        onClick={() => toggleAccount(entry.account!.id)}
                      >
                        <AccountName person={entry.account} />
                      </button>
                    )}
                  </td>
                  <td>{entry.actor && <AccountName person={entry.actor} />}</td>
                  <td>
                    <bdi>{entry.address}</bdi>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {trail.hasNextPage && <LoadMore onClick={() => void trail.fetchNextPage()} />}
    </section>
  )
}

/** The email address of an account, or its id if it was deleted. */
function AccountName({ person }: { person: Person }) {
  return person.email ? <bdi>{person.email}</bdi> : <span className="code">{person.id}</span>
}
