/** An answer that boot.js asked for before the app was there. */
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

const same = (a: URL, b: URL) =>
  a.pathname === b.pathname && [...a.searchParams].sort().join('&') === [...b.searchParams].sort().join('&')

/** The answer to this request, if it is on its way already. Each is given once. */
export function takeEarly(request: Request): Early | null {
  const all = window.foyerEarly ?? []
  const wanted = new URL(request.url)
  const at = all.findIndex((early) => same(new URL(early.address, location.origin), wanted))
  if (request.method !== 'GET' || at < 0) return null
  const [early] = all.splice(at, 1)
  return early && Date.now() - early.sent < FRESH ? early : null
}
