/** A response that boot requested before the app was loaded. */
export interface PrefetchedAnswer {
  address: string
  sent: number
  answer: Promise<Response>
}

declare global {
  interface Window {
    foyerPrefetched?: PrefetchedAnswer[]
  }
}

/** An older response is not used: the app asks again. */
const MAX_AGE = 10_000

/** The same request, whatever the order of its parameters. */
export function sameAddress(a: string, b: string): boolean {
  const [first, second] = [new URL(a, location.origin), new URL(b, location.origin)]
  const asked = (url: URL) => [...url.searchParams].sort().join('&')
  return first.pathname === second.pathname && asked(first) === asked(second)
}

/** The response to this request, if boot has requested it. Each is handed out once. */
export function takePrefetched(request: Request): PrefetchedAnswer | null {
  const all = window.foyerPrefetched ?? []
  const at = all.findIndex((early) => sameAddress(early.address, request.url))
  if (request.method !== 'GET' || at < 0) return null
  const [early] = all.splice(at, 1)
  return early && Date.now() - early.sent < MAX_AGE ? early : null
}
