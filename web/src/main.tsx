import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { router } from './app/router'
import './app.css'
import './features/home/home.css'
import { startI18n } from './i18n'

// The page's own script is awaited too: the shell stays until there is something better.
await Promise.all([startI18n(), router.load()])
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <RouterProvider router={router} />
  </StrictMode>,
)

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
