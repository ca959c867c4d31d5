import { parser, type ServerEvent } from './sse'
import { observeResponse } from './clock'

/**
 * A live connection that looks after itself: it resumes with Last-Event-ID, backs off with jitter,
 * notices silence (the server beats every 15 s), sleeps while the device is offline, and comes back
 * at once when the tab wakes or the network returns.
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

/** 4xx other than these will not get better by asking again. */
const passing = (status: number) => status >= 500 || status === 408 || status === 425 || status === 429

export function backoff(attempt: number, base: number, random: number): number {
  const most = Math.min(LONGEST, base * 2 ** Math.min(attempt, 10))
  return most / 2 + (most / 2) * random
}

export function openStream(options: Options): () => void {
  const ask = options.fetch ?? fetch
  const random = options.random ?? Math.random
  let state: Connection | null = null
  let lastId: string | null = null
  let retry = FIRST
  let attempt = 0
  let abort: AbortController | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined
  let closed = false

  const become = (next: Connection) => {
    if (state === next || (closed && next !== 'ended')) return
    state = next
    options.onState?.(next)
  }
  const later = () => {
    clearTimeout(silence)
    if (closed) return
    if (typeof navigator !== 'undefined' && navigator.onLine === false) return become('offline')
    become('waiting')
    timer = setTimeout(() => void connect(), backoff(attempt++, retry, random()))
  }
  const listen = (controller: AbortController) => {
    clearTimeout(silence)
    silence = setTimeout(() => controller.abort(), SILENCE)
  }

  async function connect(): Promise<void> {
    clearTimeout(timer)
    abort?.abort()
    const controller = new AbortController()
    abort = controller
    become('connecting')
    listen(controller)
    try {
      const sent = Date.now()
      const response = await ask(options.url, {
        headers: { Accept: 'text/event-stream', ...options.headers, ...(lastId ? { 'Last-Event-ID': lastId } : {}) },
        signal: controller.signal,
        cache: 'no-store',
      })
      observeResponse(response, sent)
      if (!response.ok || !response.body) {
        if (passing(response.status)) throw new Error(String(response.status))
        closed = true
        clearTimeout(silence)
        return become('ended')
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
        () => listen(controller),
      )
      become('live')
      attempt = 0
      for (;;) {
        const { done, value } = await reader.read()
        if (done || abort !== controller) break
        events.push(text.decode(value, { stream: true }))
      }
    } catch {
      // Which failure it was does not matter: it is tried again.
    }
    if (abort === controller) later()
  }

  const again = () => {
    if (closed || state === 'live') return
    attempt = 0
    void connect()
  }
  const wake = () => {
    if (typeof document !== 'undefined' && document.visibilityState === 'visible') again()
  }
  const gone = () => {
    clearTimeout(timer)
    const controller = abort
    abort = null
    controller?.abort()
    clearTimeout(silence)
    become('offline')
  }
  addEventListener('online', again)
  addEventListener('offline', gone)
  document.addEventListener('visibilitychange', wake)
  void connect()

  return () => {
    closed = true
    clearTimeout(timer)
    clearTimeout(silence)
    abort?.abort()
    abort = null
    removeEventListener('online', again)
    removeEventListener('offline', gone)
    document.removeEventListener('visibilitychange', wake)
  }
}
