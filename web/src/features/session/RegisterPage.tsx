import { useMutation } from '@tanstack/react-query'
import { useId } from 'react'
import { api, unwrap } from '../../api/client'
import { asProblem } from '../../api/problem'
import { useTitle } from '../../components/title'
import { Door, Failure, Field } from '../../components/ui'
import { currentLocale } from '../../i18n'
import { useText } from '../../i18n/text'
import { signIn } from './session'

/** Codes that refuse a single field. */
const fieldCodes = ['invalid_name', 'invalid_email', 'weak_password'] as const

export function RegisterPage() {
  const t = useText()
  const id = useId()
  useTitle(t('session.register'))
  const register = useMutation({
    mutationFn: (form: FormData) =>
      unwrap(
        api.POST('/api/v1/accounts', {
          body: {
            name: String(form.get('name')),
            email: String(form.get('email')),
            password: String(form.get('password')),
            locale: currentLocale(),
          },
        }),
      ),
  })
  const problem = register.error ? asProblem(register.error) : null
  const wrong = (code: (typeof fieldCodes)[number]) => (problem?.code === code ? t(`problem.${code}`) : undefined)
  if (register.isSuccess)
    return (
      <div className="empty" role="status">
        <Door />
        <h1>{t('session.check_mail')}</h1>
        <p>{t('session.check_mail_text', { email: String(register.variables.get('email')) })}</p>
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
          register.mutate(new FormData(e.currentTarget))
        }}
      >
        <h1>{t('session.register')}</h1>
        <Field id={`${id}n`} label={t('profile.name')} error={wrong('invalid_name')}>
          <input
            id={`${id}n`}
            className="input"
            name="name"
            autoComplete="name"
            required
            maxLength={100}
            aria-invalid={problem?.code === 'invalid_name'}
          />
        </Field>
        <Field id={`${id}e`} label={t('profile.email')} error={wrong('invalid_email')}>
          <input
            id={`${id}e`}
            className="input"
            name="email"
            type="email"
            autoComplete="email"
            required
            maxLength={254}
            aria-invalid={problem?.code === 'invalid_email'}
          />
        </Field>
        <Field
          id={`${id}p`}
          label={t('session.password')}
          hint={t('session.password_hint')}
          error={wrong('weak_password')}
        >
          <input
            id={`${id}p`}
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
        {problem && !fieldCodes.some((code) => code === problem.code) && <Failure error={problem} />}
        <button type="submit" className="button button-light" disabled={register.isPending}>
          {register.isPending ? <span className="spinner" /> : t('session.register')}
        </button>
        <p className="small">
          {t('session.have_account')}{' '}
          <button type="button" className="button button-quiet button-small" onClick={() => signIn('/')}>
            {t('session.sign_in')}
          </button>
        </p>
      </form>
    </div>
  )
}
