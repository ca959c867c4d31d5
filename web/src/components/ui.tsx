import { asProblem } from '../api/problem'
import { useText, type OfficeKey, type Text } from '../i18n/text'
import { Icon, type IconName } from './Icon'

export function Skeleton({ w = '100%', h = '1.25rem', r }: { w?: string; h?: string; r?: string }) {
  return <div className="skeleton" style={{ width: w, height: h, borderRadius: r }} />
}

/** A placeholder for loading content, announced once to screen readers. */
export function Loading({ children }: { children?: React.ReactNode }) {
  const t = useText()
  return (
    <div role="status" aria-label={t('common.loading')}>
      {children ?? (
        <div className="stack page page-narrow">
          <Skeleton h="2.5rem" w="60%" />
          <Skeleton w="90%" />
          <Skeleton w="75%" />
          <Skeleton h="9rem" />
        </div>
      )}
    </div>
  )
}

export function Door() {
  return (
    <svg className="door" viewBox="0 0 88 96" aria-hidden="true">
      <path d="M20 92V40a24 24 0 0 1 48 0v52z" fill="var(--ink)" />
      <path d="M30 92V42a14 14 0 0 1 28 0v50z" fill="var(--light)" />
      <path d="M30 92V34l18 8v50z" fill="var(--ink)" />
      <circle cx="43" cy="66" r="2.200" fill="var(--light)" />
      <path d="M4 92h80" stroke="var(--line-strong)" strokeWidth="2.500" strokeLinecap="round" />
    </svg>
  )
}

export function Empty({
  title,
  children,
  action,
}: {
  title: string
  children?: React.ReactNode
  action?: React.ReactNode
}) {
  return (
    <div className="empty">
      <Door />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  )
}

const toneIcons: Record<string, IconName> = { bad: 'alert', warn: 'clock', good: 'check', plain: 'info' }

export function Notice({
  tone = 'plain',
  title,
  children,
  live = false,
}: {
  tone?: 'bad' | 'warn' | 'good' | 'plain'
  title: string
  children?: React.ReactNode
  live?: boolean
}) {
  return (
    <div className={`notice notice-${tone}`} role={live ? (tone === 'bad' ? 'alert' : 'status') : undefined}>
      <Icon name={toneIcons[tone]!} />
      <div className="stack-s">
        <strong>{title}</strong>
        {children}
      </div>
    </div>
  )
}

/** Codes that share the text of another code. */
const sameAs: Partial<Record<string, string>> = {
  unknown_ticket_type: 'unknown_unit',
  hold_too_large: 'limit_exceeded',
}

/** What a problem means for the reader, in their language. The server's `detail` is English and never shown. */
export function problemText(t: Text<OfficeKey>, error: unknown): string {
  const { code, status } = asProblem(error)
  const text = t.find(`problem.${sameAs[code] ?? code}`)
  if (text) return text
  if (status === 0) return t('problem.offline')
  if (status === 401) return t('problem.unauthenticated')
  if (status === 403) return t('problem.forbidden')
  if (status === 404) return t('problem.not_found')
  if (status === 429) return t('problem.too_many')
  if (status === 408 || status >= 500) return t('problem.unavailable')
  return t('problem.unexpected')
}

export function useProblemText(): (error: unknown) => string {
  const t = useText('office')
  return (error) => problemText(t, error)
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useText()
  const text = useProblemText()
  return (
    <Notice tone="bad" title={text(error)} live>
      {retry && (
        <div>
          <button type="button" className="button button-small" onClick={retry}>
            {t('common.again')}
          </button>
        </div>
      )}
    </Notice>
  )
}

export function Stepper({
  value,
  max,
  onChange,
  label,
}: {
  value: number
  max: number
  onChange: (value: number) => void
  label: string
}) {
  const t = useText()
  return (
    <div className="stepper" role="group" aria-label={label}>
      <button
        type="button"
        className="icon-button"
        disabled={value <= 0}
        onClick={() => onChange(value - 1)}
        aria-label={t('common.less')}
      >
        <Icon name="minus" />
      </button>
      <output aria-live="polite">{value}</output>
      <button
        type="button"
        className="icon-button"
        disabled={value >= max}
        onClick={() => onChange(value + 1)}
        aria-label={t('common.more')}
      >
        <Icon name="plus" />
      </button>
    </div>
  )
}

export function Field({
  label,
  hint,
  error,
  children,
  id,
}: {
  label: string
  hint?: string
  error?: string | undefined
  children: React.ReactNode
  id: string
}) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && <span className="hint">{hint}</span>}
      {error && (
        <span className="error" role="alert">
          {error}
        </span>
      )}
    </div>
  )
}
