import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { asProblem } from '../../api/problem'
import { money } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { eventQuery } from '../events/query'
import { dispatch, useCart } from './cart'
import { holdQuery } from './query'
import { Timer } from '../../components/Timer'
import './cart.css'

/** The current hold, on every page, with a link to checkout. */
export default function CartBar() {
  const t = useText()
  const cart = useCart()
  const held = cart.kind === 'held' ? cart : null
  const event = useQuery({ ...eventQuery(held?.event ?? ''), enabled: held !== null, refetchInterval: false })
  const hold = useQuery({
    ...holdQuery(held?.hold ?? ''),
    enabled: held !== null,
    refetchInterval: 30_000,
  })
  useEffect(() => {
    if (hold.data) dispatch({ type: 'hold', hold: hold.data })
    const problem = hold.error && asProblem(hold.error)
    if (problem?.status === 410) dispatch({ type: problem.code === 'hold_expired' ? 'expired' : 'released' })
    else if (problem?.status === 404) dispatch({ type: 'released' })
  }, [hold.data, hold.error])

  if (cart.kind === 'expired')
    return (
      <aside className="cart-bar" aria-label={t('cart.title')}>
        <div className="cart-inner">
          <p role="alert" className="cart-text">
            <strong>{t('cart.over')}</strong>
            <span className="small">{t('cart.over_text')}</span>
          </p>
          <button
            type="button"
            className="button button-quiet button-small"
            onClick={() => dispatch({ type: 'released' })}
          >
            {t('common.close')}
          </button>
          <Link to="/events/$id/tickets" params={{ id: cart.event }} className="button button-light button-small">
            {t('cart.again')}
          </Link>
        </div>
      </aside>
    )
  if (!held) return null
  return (
    <aside className="cart-bar" aria-label={t('cart.title')}>
      <div className="cart-inner">
        <Timer deadline={held.expiresAt} onOver={() => dispatch({ type: 'expired' })} />
        <Link to="/events/$id/tickets" params={{ id: held.event }} className="cart-text">
          <strong dir="auto">{event.data?.name ?? '…'}</strong>
          <span className="small tabular">
            {t('cart.count', { count: held.units.length })} · {money(held.total)}
          </span>
        </Link>
        <Link to="/checkout/$hold" params={{ hold: held.hold }} className="button button-light button-small">
          {t('cart.pay')}
        </Link>
      </div>
    </aside>
  )
}
