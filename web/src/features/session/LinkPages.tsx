import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useId, useState } from 'react'
import { api, unwrap } from '../../api/client'
import { asProblem } from '../../api/problem'
import { useTitle } from '../../components/title'
import { Door, Failure, Field, Loading } from '../../components/ui'
import { useText } from '../../i18n/text'
import { accountQuery } from './query'
import { signIn } from './session'

/** What stands behind # in a mail's link. It leaves the address bar at once, and no server sees it. */
function useLinkToken(): string {
  const [token] = useState(() => location.hash.slice(1))
  useEffect(() => {
    if (token) history.replaceState(history.state, '', location.pathname)
  }, [token])
  return token
}

function LinkExpired() {
  const t = useText()
  return (
    <div className="empty" role="alert">
      <Door />
      <h1>{t('session.link_over')}</h1>
      <p>{t('session.link_over_text')}</p>
    </div>
  )
}

/** Requests a password reset link. The response is the same for every address. */
export function ForgotPasswordPage() {
  const t = useText()
  const id = useId()
  useTitle(t('session.forgot'))
  const requestReset = useMutation({
    mutationFn: (email: string) => unwrap(api.POST('/api/v1/accounts/password-reset', { body: { email } })),
  })
  const problem = requestReset.error ? asProblem(requestReset.error) : null
  if (requestReset.isSuccess)
    return (
      <div className="empty" role="status">
        <Door />
        <h1>{t('session.check_mail')}</h1>
        <p>{t('session.check_mail_text', { email: requestReset.variables })}</p>
      </div>
    )
  return (
    <div className="page page-form">
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault()
          requestReset.mutate(String(new FormData(e.currentTarget).get('email')).trim())
        }}
      >
        <h1>{t('session.forgot')}</h1>
        <p>{t('session.forgot_text')}</p>
        <Field
          id={id}
          label={t('profile.email')}
          error={problem?.code === 'invalid_email' ? t('problem.invalid_email') : undefined}
        >
          <input
            id={id}
            className="input"
            name="email"
            type="email"
            autoComplete="email"
            required
            maxLength={254}
            aria-invalid={problem?.code === 'invalid_email'}
          />
        </Field>
        {problem && problem.code !== 'invalid_email' && <Failure error={problem} />}
        <button type="submit" className="button button-light" disabled={requestReset.isPending}>
          {requestReset.isPending ? <span className="spinner" /> : t('session.send_link')}
        </button>
      </form>
    </div>
  )
}

/** The target of the password reset link in an email: sets a new password. */
export function NewPasswordPage() {
  const t = useText()
  const id = useId()
  const token = useLinkToken()
  useTitle(t('session.new_password'))
  const save = useMutation({
    mutationFn: (password: string) => unwrap(api.POST('/api/v1/accounts/password', { body: { token, password } })),
  })
  const problem = save.error ? asProblem(save.error) : null
  if (!token || problem?.code === 'link_expired')
    return (
      <>
        <LinkExpired />
        <p className="text-center">
          <Link to="/password" className="button button-light">
            {t('session.forgot')}
          </Link>
        </p>
      </>
    )
  if (save.isSuccess)
    return (
      <div className="empty" role="status">
        <Door />
        <h1>{t('session.new_password_done')}</h1>
        <p>{t('session.new_password_done_text')}</p>
        <button type="button" className="button button-light" onClick={() => signIn('/')}>
          {t('session.sign_in')}
        </button>
      </div>
    )
  return (
    <div className="page page-form">
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault()
          save.mutate(String(new FormData(e.currentTarget).get('password')))
        }}
      >
        <h1>{t('session.new_password')}</h1>
        <Field
          id={id}
          label={t('session.password')}
          hint={t('session.password_hint')}
          error={problem?.code === 'weak_password' ? t('problem.weak_password') : undefined}
        >
          <input
            id={id}
            className="input"
            name="password"
            type="password"
            autoComplete="new-password"
            required
            minLength={10}
            maxLength={128}
            aria-invalid={problem?.code === 'weak_password'}
          />
        </Field>
        {problem && problem.code !== 'weak_password' && <Failure error={problem} />}
        <button type="submit" className="button button-light" disabled={save.isPending}>
          {save.isPending ? <span className="spinner" /> : t('session.new_password_save')}
        </button>
      </form>
    </div>
  )
}

/** The target of the confirmation link in an email. */
export function ConfirmPage() {
  const t = useText()
  const token = useLinkToken()
  const queries = useQueryClient()
  useTitle(t('session.confirming'))
  const { mutate, ...confirm } = useMutation({
    mutationFn: (token: string) => unwrap(api.POST('/api/v1/accounts/confirmation', { body: { token } })),
    onSuccess: () => queries.invalidateQueries(accountQuery), // the profile contains emailVerified
  })
  useEffect(() => {
    if (token) mutate(token)
  }, [token, mutate])
  if (!token || (confirm.error && asProblem(confirm.error).code === 'link_expired')) return <LinkExpired />
  if (confirm.isError)
    return (
      <div className="page page-narrow">
        <Failure error={confirm.error} retry={() => mutate(token)} />
      </div>
    )
  if (!confirm.isSuccess) return <Loading />
  return (
    <div className="empty" role="status">
      <Door />
      <h1>{t('session.confirmed')}</h1>
      <p>{t('session.confirmed_text')}</p>
      <Link to="/" className="button button-light">
        {t('nav.home')}
      </Link>
    </div>
  )
}
