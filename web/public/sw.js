// Offline support: caches the app's files and the tickets of the signed-in customer. Reads go to the network
// first; cached responses are marked with X-Foyer-Offline. Prices and seats are never cached.
const SHELL = 'foyer-shell-1'
const TICKETS = 'foyer-tickets-1'
const PATIENCE = 4000
const mine = /^\/(auth\/session|api\/v1\/(me\/bookings|bookings\/[^/]+|tickets\/[^/]+\.(pdf|ics)))$/

addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      .then((cache) => cache.addAll(['/', '/boot.js', '/icon.svg', '/manifest.webmanifest']))
      .then(() => self.skipWaiting()),
  )
})

addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => name !== SHELL && name !== TICKETS).map((name) => caches.delete(name))),
      )
      .then(() => self.clients.claim()),
  )
})

addEventListener('message', (event) => {
  if (event.data === 'forget') event.waitUntil(caches.delete(TICKETS))
  // The app's files that were loaded before this worker was active.
  if (event.data?.keep)
    event.waitUntil(
      caches
        .open(SHELL)
        .then((cache) =>
          Promise.all(
            event.data.keep.map((url) => cache.match(url).then((have) => have || cache.add(url).catch(() => {}))),
          ),
        ),
    )
})

addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  if (request.mode === 'navigate') event.respondWith(page(request))
  else if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request))
  else if (mine.test(url.pathname)) event.respondWith(ticket(request))
  else if (url.pathname === '/boot.js' || url.pathname === '/icon.svg') event.respondWith(networkFirst(request, SHELL))
})

async function page(request) {
  try {
    const response = await fetch(request)
    if (response.ok && new URL(request.url).pathname === '/') (await caches.open(SHELL)).put('/', response.clone())
    return response
  } catch {
    return (await caches.match('/')) ?? Response.error()
  }
}

// Their names contain a hash, so a cached copy is always current.
async function asset(request) {
  const kept = await caches.match(request)
  if (kept) return kept
  const response = await fetch(request)
  if (response.ok) (await caches.open(SHELL)).put(request, response.clone())
  return response
}

async function networkFirst(request, name) {
  const cache = await caches.open(name)
  try {
    const response = await fetch(request)
    if (response.ok) cache.put(request, response.clone())
    return response
  } catch {
    return (await cache.match(request)) ?? Response.error()
  }
}

// Cached tickets belong to one session. A session may end on another device, by an admin, or because another
// customer signs in here. The server's first response tells, and the cached tickets are deleted. Without a
// response, or during an outage, tickets still open.
async function keep(request, response) {
  if (response.status === 401) return caches.delete(TICKETS)
  if (response.status === 404 || response.status === 410) return (await caches.open(TICKETS)).delete(request)
  if (!response.ok) return
  const copy = response.clone()
  if (new URL(request.url).pathname === '/auth/session') {
    const kept = await (await caches.open(TICKETS)).match(request)
    const [before, now] = await Promise.all([kept?.json(), response.clone().json()])
    if (before && before.account !== now.account) await caches.delete(TICKETS)
  }
  await (await caches.open(TICKETS)).put(request, copy)
}

async function ticket(request) {
  const cache = await caches.open(TICKETS)
  const network = fetch(request).then(async (response) => {
    await keep(request, response.clone()).catch(() => {})
    return response
  })
  try {
    // A slow network counts as offline if there is a cached copy.
    const kept = await cache.match(request)
    if (!kept) return await network
    const slow = new Promise((_, reject) => setTimeout(() => reject(new Error('slow')), PATIENCE))
    return await Promise.race([network, slow])
  } catch {
    const kept = await cache.match(request)
    if (!kept) return Response.error()
    const headers = new Headers(kept.headers)
    headers.set('X-Foyer-Offline', '1')
    return new Response(kept.body, { status: kept.status, headers })
  }
}
