import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { serverNow } from './clock'
import type { ServerEvent } from './sse'
import { openStream, type Connection } from './stream'
import { announcement, countdown, type Countdown } from './timer'

/** Follows a stream while mounted; none while url is null. */
export function useStream(url: string | null, onEvent: (event: ServerEvent) => void): Connection {
  const [state, setState] = useState<Connection>('connecting')
  const handler = useRef(onEvent)
  useEffect(() => {
    handler.current = onEvent
  })
  useEffect(() => {
    if (!url) return
    return openStream({ url, onEvent: (event) => handler.current(event), onState: setState })
  }, [url])
  return state
}

/** A countdown to a server time, and the mark to announce when it is passed. */
export function useCountdown(
  deadline: string | undefined,
  onOver?: () => void,
): Countdown & { announce: Countdown['mark'] } {
  const [state, setState] = useState(() => ({ ...read(deadline), announce: null as Countdown['mark'] }))
  const last = useRef<Countdown['mark']>(null)
  const over = useRef(onOver)
  useEffect(() => {
    over.current = onOver
  })
  useEffect(() => {
    if (!deadline) return
    last.current = null
    let timer: ReturnType<typeof setTimeout>
    const tick = () => {
      clearTimeout(timer)
      const next = read(deadline)
      const announce = announcement(last.current, next)
      if (announce !== null) last.current = announce
      setState({ ...next, announce: announce ?? last.current })
      if (announce === 0) over.current?.()
      // Just after the next whole second on the server's clock.
      if (next.phase !== 'over') timer = setTimeout(tick, ((Date.parse(deadline) - serverNow()) % 1000) + 10)
    }
    tick()
    const wake = () => document.visibilityState === 'visible' && tick()
    document.addEventListener('visibilitychange', wake)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', wake)
    }
  }, [deadline])
  return state
}

function read(deadline: string | undefined): Countdown {
  return deadline ? countdown(Date.parse(deadline), serverNow()) : { seconds: 0, phase: 'running', mark: null }
}

export function useOnline(): boolean {
  return useSyncExternalStore(
    (changed) => {
      addEventListener('online', changed)
      addEventListener('offline', changed)
      return () => {
        removeEventListener('online', changed)
        removeEventListener('offline', changed)
      }
    },
    () => navigator.onLine,
  )
}
