/**
 * An estimate of the server's clock. The Date header of each response is a sample; it is exact to a
 * second, so each sample bounds the offset from below and above and the bounds are intersected.
 */
export interface Clock {
  low: number
  high: number
}

export const unknownClock: Clock = { low: -Infinity, high: Infinity }

/** serverDate is the Date header in ms (whole seconds); the response travelled between sent and received. */
export function observe(clock: Clock, serverDate: number, sent: number, received: number): Clock {
  // The true server time lay in [serverDate, serverDate + 1000) somewhere between sent and received.
  const sample = { low: serverDate - received, high: serverDate + 1000 - sent }
  const both = { low: Math.max(clock.low, sample.low), high: Math.min(clock.high, sample.high) }
  // Disjoint bounds: one of the clocks was set. The newest sample counts.
  return both.low <= both.high ? both : sample
}

export function offset(clock: Clock): number {
  if (!Number.isFinite(clock.low) || !Number.isFinite(clock.high)) return 0
  // Use the local clock if it is within the bounds.
  return Math.min(Math.max(0, clock.low), clock.high)
}

let current = unknownClock

export function observeResponse(response: Response, sent: number): void {
  if (response.headers.has('X-Foyer-Offline')) return
  const date = Date.parse(response.headers.get('Date') ?? '')
  if (!Number.isNaN(date)) current = observe(current, date, sent, Date.now())
}

export const serverNow = (): number => Date.now() + offset(current)
