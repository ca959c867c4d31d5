/** The state of a countdown at one moment: what to show and what to announce. */
export type Phase = 'running' | 'low' | 'urgent' | 'over'

export interface Countdown {
  seconds: number
  phase: Phase
  /** The mark in seconds to announce once, when it is first passed. */
  mark: 120 | 30 | 0 | null
}

export function countdown(deadline: number, now: number): Countdown {
  const seconds = Math.max(0, Math.ceil((deadline - now) / 1000))
  if (seconds === 0) return { seconds, phase: 'over', mark: 0 }
  if (seconds <= 30) return { seconds, phase: 'urgent', mark: 30 }
  if (seconds <= 120) return { seconds, phase: 'low', mark: 120 }
  return { seconds, phase: 'running', mark: null }
}

/** The mark to announce, given the last one. After a sleep only the newest is announced. */
export function announcement(last: Countdown['mark'], next: Countdown): Countdown['mark'] {
  if (next.mark === null || next.mark === last) return null
  if (last !== null && next.mark > last) return null
  return next.mark
}

export function clockFace(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`
}
