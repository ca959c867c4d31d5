import { useMutation, useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { api, unwrap } from '../../api/client'
import { asProblem } from '../../api/problem'
import Dialog from '../../components/Dialog'
import { Skeleton, Failure, Field, Notice } from '../../components/ui'
import { useText } from '../../i18n/text'
import { deletionQuery } from './query'
import { forgetDevice, signInAgain } from '../session/session'

/** Export of the account's data, and its deletion. Both require a recent sign-in. */
export function PersonalData({ email }: { email: string }) {
  const t = useText()
  const [leaving, setLeaving] = useState(false)
  const download = useMutation({
    mutationFn: () => unwrap(api.GET('/api/v1/me/export')),
    onSuccess: (data) => {
      const link = document.createElement('a')
      link.href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' }))
      link.download = `foyer-data-${data.exportedAt.slice(0, 10)}.json`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000) // some browsers read the blob after the click
    },
  })
  return (
    <section className="stack-s" aria-labelledby="personal-data">
      <h2 id="personal-data">{t('profile.data')}</h2>
      <p className="muted small">{t('profile.data_text')}</p>
      <AccountFailure error={download.error} />
      <div className="cluster">
        <button type="button" className="button" disabled={download.isPending} onClick={() => download.mutate()}>
          {download.isPending ? <span className="spinner" /> : t('profile.download')}
        </button>
        <button type="button" className="button button-bad" onClick={() => setLeaving(true)}>
          {t('profile.delete')}
        </button>
      </div>
      {download.isSuccess && <Notice tone="good" title={t('profile.downloaded')} live />}
      <Dialog open={leaving} onClose={() => setLeaving(false)} title={t('profile.delete')}>
        <DeleteAccount email={email} />
      </Dialog>
    </section>
  )
}

/** A refusal; with a link to sign in if a recent sign-in is missing. */
function AccountFailure({ error }: { error: unknown }) {
  const t = useText()
  if (!error) return null
  if (asProblem(error).code !== 'sign_in_again') return <Failure error={error} />
  return (
    <Notice tone="warn" title={t('profile.again')} live>
      <button type="button" className="button" onClick={() => signInAgain('/profile')}>
        {t('profile.again_do')}
      </button>
    </Notice>
  )
}

function DeleteAccount({ email }: { email: string }) {
  const t = useText()
  const id = useId()
  const [typed, setTyped] = useState('')
  const [forfeit, setForfeit] = useState(false)
  const preview = useQuery(deletionQuery)
  const leave = useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/v1/me', { body: { confirm: typed, forfeitTickets: forfeit } })),
    onSuccess: () => {
      forgetDevice()
      location.assign('/')
    },
  })
  if (preview.isError) return <Failure error={preview.error} retry={() => void preview.refetch()} />
  if (preview.isPending) return <Skeleton h="12rem" />
  const blocking = preview.data.obstacles.filter((o) => !o.waivable)
  const tickets = preview.data.obstacles.find((o) => o.waivable)
  if (blocking.length > 0)
    return (
      <div className="stack">
        <p>{t('profile.blocked')}</p>
        <ul>
          {blocking.map((o) => (
            <li key={o.code}>{t(`profile.blocked_${o.code}`, { count: o.count })}</li>
          ))}
        </ul>
      </div>
    )
  return (
    <form
      className="stack"
      onSubmit={(e) => {
        e.preventDefault()
        leave.mutate()
      }}
    >
      <p>{t('profile.delete_text')}</p>
      <p>{t('profile.delete_kept')}</p>
      {tickets && (
        <>
          <Notice tone="warn" title={t('profile.tickets', { count: tickets.count })}>
            <p>{t('profile.tickets_text')}</p>
          </Notice>
          <label className="check">
            <input type="checkbox" checked={forfeit} required onChange={(e) => setForfeit(e.target.checked)} />
            <span>{t('profile.tickets_forfeit')}</span>
          </label>
        </>
      )}
      <Field id={id} label={t('profile.confirm')} hint={email}>
        <input
          id={id}
          className="input"
          type="email"
          autoComplete="off"
          required
          maxLength={254}
          value={typed}
          onChange={(e) => setTyped(e.target.value)}
        />
      </Field>
      <AccountFailure error={leave.error} />
      <button
        type="submit"
        className="button button-bad"
        disabled={leave.isPending || typed.trim().toLowerCase() !== email.toLowerCase()}
      >
        {leave.isPending ? <span className="spinner" /> : t('profile.delete_do')}
      </button>
    </form>
  )
}
