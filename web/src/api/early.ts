/** An answer that boot asked for before the app was there. */
export interface Early {
  address: string
  sent: number
  answer: Promise<Response>
}

declare global {
  interface Window {
    foyerEarly?: Early[]
  }
}

/** Whoever comes later wants what is true then. */
const FRESH = 10_000

/** The same question, in whatever order its parameters are. */
export function sameAddress(a: string, b: string): boolean {
  const [first, second] = [new URL(a, location.origin), new URL(b, location.origin)]
  const asked = (url: URL) => [...url.searchParams].sort().join('&')
  return first.pathname === second.pathname && asked(first) === asked(second)
}

/** The answer to this request, if it is on its way already. Each is given once. */
export function takeEarly(request: Request): Early | null {
  const all = window.foyerEarly ?? []
  const at = all.findIndex((early) => sameAddress(early.address, request.url))
  if (request.method !== 'GET' || at < 0) return null
  const [early] = all.splice(at, 1)
  return early && Date.now() - early.sent < FRESH ? early : null
}
