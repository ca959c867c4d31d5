import { Empty, Failure, Loading } from '../../components/ui'
import { useText } from '../../i18n/text'
import type { Session } from './query'
import { signIn, useSession } from './session'

/** Pages that are somebody's own ask who that is, and for the role where one is needed. */
export function RequireSession({
  needs,
  children,
}: {
  needs?: 'merchant' | 'admin'
  children: (session: Session) => React.ReactNode
}) {
  const t = useText()
  const { session, known, error, retry } = useSession()
  if (error)
    return (
      <div className="page page-narrow">
        <Failure error={error} retry={retry} />
      </div>
    )
  if (!known) return <Loading />
  if (!session)
    return (
      <Empty
        title={t('session.needed')}
        action={
          <button type="button" className="button button-light" onClick={() => signIn()}>
            {t('session.sign_in')}
          </button>
        }
      >
        {t('session.needed_text')}
      </Empty>
    )
  if (needs && !session.roles.includes(needs) && !session.roles.includes('admin'))
    return <Empty title={t('problem.forbidden')} />
  return children(session)
}
