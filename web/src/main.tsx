import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queryClient, router } from './app/router'
import './app.css'
import './features/home/home.css'
import { startI18n } from './i18n'

// The shell stays until the page's script has loaded, and its data too if that arrives at once (boot requested it).
await Promise.all([startI18n(), router.load()])
await answers(100)
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <RouterProvider router={router} />
  </StrictMode>,
)

/** Waits until no request is in flight, but at most ms. */
function answers(ms: number): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(stop, ms)
    const stopWatching = queryClient.getQueryCache().subscribe(() => queryClient.isFetching() || stop())
    function stop() {
      clearTimeout(timer)
      stopWatching()
      done()
    }
    if (!queryClient.isFetching()) stop()
  })
}

function keepOffline() {
  void navigator.serviceWorker.register('/sw.js')
  void navigator.serviceWorker.ready.then((registration) => {
    const loaded = performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)
    registration.active?.postMessage({ keep: loaded.filter((path) => path.startsWith('/assets/')) })
  })
}

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  if (document.readyState === 'complete') keepOffline()
  else addEventListener('load', keepOffline)
}
