import type { Appearance, Stripe, StripeElements } from '@stripe/stripe-js'
import { loadStripe } from '@stripe/stripe-js/pure'
import { useEffect, useRef, useState } from 'react'
import { Skeleton, Notice } from '../../components/ui'
import { useText } from '../../i18n/text'
import type { PaymentProgress } from './progress'

/** The page's colour tokens as computed values: the frame cannot read CSS variables. */
function appearance(): Appearance {
  const style = getComputedStyle(document.body)
  const probe = document.body.appendChild(document.createElement('span'))
  const token = (name: string) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const variables = {
    fontFamily: style.fontFamily,
    colorBackground: token('surface'),
    colorText: token('ink'),
    colorPrimary: token('link'),
    colorDanger: token('bad'),
    borderRadius: '8px',
  }
  probe.remove()
  return { theme: 'stripe', variables }
}

/**
 * Stripe's Payment Element. Its script is loaded from Stripe when a customer pays; its fields are frames of
 * Stripe's origin. 3-D Secure opens over the page; redirect methods return here.
 */
export default function StripeForm({
  publishableKey,
  secret,
  locale,
  onStatus,
}: {
  publishableKey: string
  secret: string
  locale: string
  onStatus: (status: PaymentProgress) => void
}) {
  const t = useText()
  const container = useRef<HTMLDivElement>(null)
  const form = useRef<{ stripe: Stripe; elements: StripeElements } | null>(null)
  const [state, setState] = useState<'loading' | 'ready' | 'paying' | 'paid' | 'away'>('loading')
  const [failure, setFailure] = useState('')

  useEffect(() => {
    let unmounted = false
    let unmount = () => {}
    loadStripe(publishableKey)
      .then((stripe) => {
        if (unmounted || !container.current) return
        if (!stripe) throw new Error('Stripe.js is not available')
        const elements = stripe.elements({ clientSecret: secret, locale: locale as 'en', appearance: appearance() })
        const element = elements.create('payment')
        unmount = () => element.destroy()
        element.on('ready', () => setState('ready'))
        element.on('loaderror', () => setState('away'))
        element.mount(container.current)
        form.current = { stripe, elements }
      })
      .catch(() => !unmounted && setState('away'))
    return () => {
      unmounted = true
      form.current = null
      unmount()
    }
  }, [publishableKey, secret, locale])

  const pay = async () => {
    if (!form.current) return
    setState('paying')
    setFailure('')
    onStatus('processing')
    const { error } = await form.current.stripe.confirmPayment({
      elements: form.current.elements,
      confirmParams: { return_url: location.href },
      redirect: 'if_required',
    })
    if (error) {
      setFailure(error.message ?? t('problem.unexpected'))
      setState('ready')
      onStatus('idle')
    } else {
      setState('paid')
      onStatus('succeeded')
    }
  }

  if (state === 'away') return <Notice tone="bad" title={t('checkout.no_form')} live />
  return (
    <form
      className="checkout-frame"
      onSubmit={(e) => {
        e.preventDefault()
        void pay()
      }}
    >
      {state === 'loading' && (
        <div className="stack">
          <Skeleton h="3rem" />
          <Skeleton h="3rem" />
          <Skeleton h="3rem" />
        </div>
      )}
      <div ref={container} />
      {failure && <Notice tone="bad" title={failure} live />}
      <button type="submit" className="button button-light button-wide" disabled={state !== 'ready'}>
        {state === 'paying' ? <span className="spinner" /> : t('checkout.pay_now')}
      </button>
      <p className="small muted">{t('checkout.safe')}</p>
    </form>
  )
}
