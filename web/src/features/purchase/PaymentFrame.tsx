import { useEffect, useRef, useState } from 'react'
import { Skeleton, Notice } from '../../components/ui'
import { useText } from '../../i18n/text'
import type { PaymentProgress } from './progress'

interface Message {
  type: 'foyer-payment'
  status: 'ready' | 'height' | 'processing' | 'succeeded' | 'failed'
  height?: number
  message?: string
}

const isMessage = (data: unknown): data is Message =>
  typeof data === 'object' &&
  data !== null &&
  (data as { type?: unknown }).type === 'foyer-payment' &&
  typeof (data as { status?: unknown }).status === 'string'

/** The card form in a frame of another origin: card data never reaches this page. */
export function PaymentFrame({
  form,
  secret,
  locale,
  onStatus,
}: {
  form: string
  secret: string
  locale: string
  onStatus: (status: PaymentProgress) => void
}) {
  const t = useText()
  const frame = useRef<HTMLIFrameElement>(null)
  const [height, setHeight] = useState(300)
  const [ready, setReady] = useState(false)
  const [failure, setFailure] = useState('')
  const statusHandler = useRef(onStatus)
  useEffect(() => {
    statusHandler.current = onStatus
  })
  useEffect(() => {
    if (!form) return
    const origin = new URL(form).origin
    const listen = (event: MessageEvent) => {
      if (event.origin !== origin || event.source !== frame.current?.contentWindow || !isMessage(event.data)) return
      const { status } = event.data
      if (status === 'ready') setReady(true)
      else if (status === 'height') setHeight(Math.min(900, Math.max(180, Number(event.data.height) || 300)))
      else if (status === 'failed') {
        setFailure(String(event.data.message ?? ''))
        statusHandler.current('idle')
      } else {
        setFailure('')
        statusHandler.current(status)
      }
    }
    addEventListener('message', listen)
    return () => removeEventListener('message', listen)
  }, [form])
  if (!form) return <Notice tone="bad" title={t('checkout.no_form')} />
  const theme = document.documentElement.dataset.theme
  const src = `${form}/?client_secret=${encodeURIComponent(secret)}&locale=${locale}${theme ? `&theme=${theme}` : ''}`
  return (
    <div className="checkout-frame">
      {!ready && (
        <div className="stack">
          <Skeleton h="3rem" />
          <Skeleton h="3rem" />
          <Skeleton h="3rem" />
        </div>
      )}
      <iframe
        ref={frame}
        src={src}
        title={t('checkout.card_form')}
        style={{ height: ready ? height : 0 }}
        allow="payment"
        referrerPolicy="no-referrer"
      />
      <p className="sr" role="alert">
        {failure}
      </p>
      <p className="small muted">{t('checkout.safe')}</p>
    </div>
  )
}
