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

/** The maximum age of a response in ms; the app repeats an older request. */
const MAX_AGE = 10_000

/** Whether two addresses are equal, in any order of parameters. */
export function sameAddress(a: string, b: string): boolean {
  const [first, second] = [new URL(a, location.origin), new URL(b, location.origin)]
  const asked = (url: URL) => [...url.searchParams].sort().join('&')
  return first.pathname === second.pathname && asked(first) === asked(second)
}

/** The response to this request, if boot has requested it. Each is returned once. */
export function takePrefetched(request: Request): PrefetchedAnswer | null {
  const all = window.foyerPrefetched ?? []
  const at = all.findIndex((early) => sameAddress(early.address, request.url))
  if (request.method !== 'GET' || at < 0) return null
  const [early] = all.splice(at, 1)
  return early && Date.now() - early.sent < MAX_AGE ? early : null
}
