import { parser, type ServerEvent } from './sse'
import { observeResponse } from './clock'

/**
 * A stream that reconnects: it resumes with Last-Event-ID, backs off with jitter, treats 40 s of
 * silence as a dead connection (the server sends a comment every 15 s), closes while the device is
 * offline, and ends a back-off early when the tab becomes visible or the network returns.
 */
export type Connection = 'connecting' | 'live' | 'waiting' | 'offline' | 'ended'

export interface Options {
  url: string
  onEvent: (event: ServerEvent) => void
  onState?: (state: Connection) => void
  headers?: Record<string, string>
  fetch?: typeof fetch
  random?: () => number
}

export const SILENCE = 40_000
export const LONGEST = 15_000
const FIRST = 1_000

/** Other 4xx are final and not retried. */
const isTransient = (status: number) => status >= 500 || status === 408 || status === 425 || status === 429

export function backoff(attempt: number, base: number, random: number): number {
  const most = Math.min(LONGEST, base * 2 ** Math.min(attempt, 10))
  return most / 2 + (most / 2) * random
}

export function openStream(options: Options): () => void {
  const fetchStream = options.fetch ?? fetch
  const random = options.random ?? Math.random
  let state: Connection | null = null
  let lastId: string | null = null
  let retry = FIRST
  let attempt = 0
  let abort: AbortController | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined
  let closed = false

  const setState = (next: Connection) => {
    if (state === next || (closed && next !== 'ended')) return
    state = next
    options.onState?.(next)
  }
  const reconnectLater = () => {
    clearTimeout(silence)
    if (closed) return
    if (typeof navigator !== 'undefined' && navigator.onLine === false) return setState('offline')
    setState('waiting')
    timer = setTimeout(() => void connect(), backoff(attempt++, retry, random()))
  }
  const watchSilence = (controller: AbortController) => {
    clearTimeout(silence)
    silence = setTimeout(() => controller.abort(), SILENCE)
  }

  async function connect(): Promise<void> {
    clearTimeout(timer)
    abort?.abort()
    const controller = new AbortController()
    abort = controller
    setState('connecting')
    watchSilence(controller)
    try {
      const sent = Date.now()
      const response = await fetchStream(options.url, {
        headers: { Accept: 'text/event-stream', ...options.headers, ...(lastId ? { 'Last-Event-ID': lastId } : {}) },
        signal: controller.signal,
        cache: 'no-store',
      })
      observeResponse(response, sent)
      if (!response.ok || !response.body) {
        if (isTransient(response.status)) throw new Error(String(response.status))
        closed = true
        clearTimeout(silence)
        return setState('ended')
      }
      const reader = response.body.getReader()
      const text = new TextDecoder()
      const events = parser(
        (event) => {
          if (abort !== controller || closed) return
          if (event.id !== null) lastId = event.id
          options.onEvent(event)
        },
        (ms) => (retry = ms),
        () => watchSilence(controller),
      )
      setState('live')
      attempt = 0
      for (;;) {
        const { done, value } = await reader.read()
        if (done || abort !== controller) break
        events.push(text.decode(value, { stream: true }))
      }
    } catch {
      // Every failure is retried.
    }
    if (abort === controller) reconnectLater()
  }

  const reconnect = () => {
    if (closed || state === 'live') return
    attempt = 0
    void connect()
  }
  const onVisible = () => {
    if (typeof document !== 'undefined' && document.visibilityState === 'visible') reconnect()
  }
  const disconnect = () => {
    clearTimeout(timer)
    const controller = abort
    abort = null
    controller?.abort()
    clearTimeout(silence)
    setState('offline')
  }
  addEventListener('online', reconnect)
  addEventListener('offline', disconnect)
  document.addEventListener('visibilitychange', onVisible)
  void connect()

  return () => {
    closed = true
    clearTimeout(timer)
    clearTimeout(silence)
    abort?.abort()
    abort = null
    removeEventListener('online', reconnect)
    removeEventListener('offline', disconnect)
    document.removeEventListener('visibilitychange', onVisible)
  }
}
