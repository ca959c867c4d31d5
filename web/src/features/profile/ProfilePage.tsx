import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, unwrap } from '../../api/client'
import { useTitle } from '../../components/title'
import { Skeleton, Failure, Field, Notice } from '../../components/ui'
import { changeLocale, languageNames, locales, type Locale } from '../../i18n'
import { useText } from '../../i18n/text'
import { accountQuery } from '../session/query'
import { RequireSession } from '../session/RequireSession'
import { addPasskey, signOut } from '../session/session'
import { PersonalData } from './PersonalData'

const themes = ['auto', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

/** Shows a theme and keeps it for the next page; 'auto' follows the system. */
function applyTheme(theme: Theme): void {
  if (theme === 'auto') {
    delete document.documentElement.dataset.theme
    localStorage.removeItem('foyer.theme')
  } else {
    document.documentElement.dataset.theme = theme
    localStorage.setItem('foyer.theme', theme)
  }
}

export function ProfilePage() {
  const t = useText()
  useTitle(t('nav.profile'))
  return <RequireSession>{() => <Profile />}</RequireSession>
}

function Profile() {
  const t = useText()
  const queries = useQueryClient()
  const me = useQuery(accountQuery)
  const [theme, setShownTheme] = useState(document.documentElement.dataset.theme ?? 'auto')
  const save = useMutation({
    mutationFn: (form: FormData) =>
      unwrap(
        api.PATCH('/api/v1/me', {
          body: { name: String(form.get('name')), locale: String(form.get('locale')) as Locale },
        }),
      ),
    onSuccess: async (profile) => {
      queries.setQueryData(accountQuery.queryKey, profile)
      await changeLocale(profile.locale as Locale)
    },
  })
  const reset = useMutation({
    mutationFn: (email: string) => unwrap(api.POST('/api/v1/accounts/password-reset', { body: { email } })),
  })
  const confirm = useMutation({ mutationFn: () => unwrap(api.POST('/api/v1/me/confirmation')) })
  const setTheme = (next: Theme) => {
    setShownTheme(next)
    applyTheme(next)
  }
  return (
    <div className="page page-narrow stack">
      <h1>{t('nav.profile')}</h1>
      {me.isError && <Failure error={me.error} retry={() => void me.refetch()} />}
      {me.isPending && <Skeleton h="16rem" />}
      {me.data && (
        <form
          className="stack"
          onSubmit={(e) => {
            e.preventDefault()
            save.mutate(new FormData(e.currentTarget))
          }}
        >
          <Field id="name" label={t('profile.name')}>
            <input
              id="name"
              name="name"
              className="input"
              defaultValue={me.data.name}
              required
              maxLength={100}
              autoComplete="name"
            />
          </Field>
          <Field
            id="email"
            label={t('profile.email')}
            hint={me.data.emailVerified ? t('profile.verified') : t('profile.unverified')}
          >
            <input id="email" className="input" value={me.data.email} readOnly />
          </Field>
          {!me.data.emailVerified && (
            <button
              type="button"
              className="button button-quiet button-small self-start"
              disabled={confirm.isPending || confirm.isSuccess}
              onClick={() => confirm.mutate()}
            >
              {t('profile.resend')}
            </button>
          )}
          {confirm.isError && <Failure error={confirm.error} />}
          {confirm.isSuccess && <Notice tone="good" title={t('profile.password_sent')} live />}
          <Field id="locale" label={t('profile.language')} hint={t('profile.language_hint')}>
            <select id="locale" name="locale" className="input" defaultValue={me.data.locale}>
              {locales.map((locale) => (
                <option key={locale} value={locale} lang={locale}>
                  {languageNames[locale]}
                </option>
              ))}
            </select>
          </Field>
          {save.isError && <Failure error={save.error} />}
          {save.isSuccess && <Notice tone="good" title={t('profile.saved')} live />}
          <button type="submit" className="button button-light self-start" disabled={save.isPending}>
            {t('common.save')}
          </button>
        </form>
      )}
      <fieldset className="stack-s">
        <legend className="label">{t('profile.theme')}</legend>
        <div className="chips">
          {themes.map((choice) => (
            <button
              key={choice}
              type="button"
              className="chip"
              aria-pressed={theme === choice}
              onClick={() => setTheme(choice)}
            >
              {t(`profile.theme_${choice}`)}
            </button>
          ))}
        </div>
      </fieldset>
      <div className="cluster">
        {me.data && (
          <button
            type="button"
            className="button"
            disabled={reset.isPending || reset.isSuccess}
            onClick={() => reset.mutate(me.data.email)}
          >
            {t('profile.password')}
          </button>
        )}
        <button type="button" className="button" onClick={() => void signOut()}>
          {t('session.sign_out')}
        </button>
      </div>
      {reset.isSuccess && <Notice tone="good" title={t('profile.password_sent')} live />}
      {me.data?.roles.includes('admin') && (
        <div className="stack-s">
          <p className="muted small">{t('profile.passkey_text')}</p>
          <button type="button" className="button self-start" onClick={() => addPasskey('/profile')}>
            {t('profile.passkey')}
          </button>
        </div>
      )}
      {me.data && <PersonalData email={me.data.email} />}
    </div>
  )
}
