import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Suspense, lazy, useEffect, useRef } from 'react'
import { Icon } from '../components/Icon'
import { Wordmark } from '../components/Logo'
import { useCart } from '../features/purchase/cart'
import { useSession, signIn } from '../features/session/session'
import { changeLocale, currentLocale, languageNames, locales, type Locale } from '../i18n'
import { useText } from '../i18n/text'
import { useOnline } from '../live/hooks'

const AccountMenu = lazy(() => import('./AccountMenu'))
const Bell = lazy(() => import('../features/notifications/Bell'))
const CartBar = lazy(() => import('../features/purchase/CartBar'))

/** Pages for a single task hide navigation and footer on a phone. */
const focusedPages = /^\/(checkout\/|events\/[^/]+\/(tickets|queue))/

export function Layout() {
  const t = useText()
  const path = useRouterState({ select: (s) => s.location.pathname })
  const focused = focusedPages.test(path)
  const cart = useCart()
  const main = useRef<HTMLElement>(null)
  const before = useRef(path)
  useEffect(() => {
    if (before.current === path) return
    before.current = path
    main.current?.focus({ preventScroll: true }) // screen readers start at the new page's top
  }, [path])
  return (
    <div className={focused ? 'app-focused' : undefined}>
      <a className="app-skip" href="#main">
        {t('nav.skip')}
      </a>
      <OfflineBanner />
      <TopBar />
      <main id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      {!focused && cart.kind !== 'empty' && (
        <Suspense fallback={null}>
          <CartBar />
        </Suspense>
      )}
      <Footer />
      <TabBar />
    </div>
  )
}

function OfflineBanner() {
  const t = useText()
  const online = useOnline()
  return <div role="status">{!online && <p className="app-offline">{t('common.offline')}</p>}</div>
}

function TopBar() {
  const t = useText()
  const { session, known } = useSession()
  return (
    <header className="app-top">
      <div className="app-top-inner">
        <Link to="/">
          <Wordmark />
        </Link>
        <nav aria-label={t('nav.main')}>
          <Link to="/search">{t('nav.discover')}</Link>
          <Link to="/bookings">{t('nav.tickets')}</Link>
          {session?.roles.includes('merchant') && <Link to="/merchant">{t('nav.merchant')}</Link>}
          {session?.roles.includes('admin') && <Link to="/admin">{t('nav.admin')}</Link>}
        </nav>
        <span className="app-spacer" />
        {session && (
          <Suspense fallback={<span className="icon-button" />}>
            <Bell />
            <AccountMenu session={session} />
          </Suspense>
        )}
        {known && !session && (
          <>
            <Link to="/register" className="button button-quiet button-small app-desktop">
              {t('session.register')}
            </Link>
            <button type="button" className="button button-small" onClick={() => signIn()}>
              {t('session.sign_in')}
            </button>
          </>
        )}
      </div>
    </header>
  )
}

function TabBar() {
  const t = useText()
  return (
    <nav className="app-tabs" aria-label={t('nav.main')}>
      <Link to="/" activeOptions={{ exact: true }}>
        <Icon name="home" />
        {t('nav.home')}
      </Link>
      <Link to="/search">
        <Icon name="search" />
        {t('nav.discover')}
      </Link>
      <Link to="/bookings">
        <Icon name="ticket" />
        {t('nav.tickets')}
      </Link>
      <Link to="/profile">
        <Icon name="user" />
        {t('nav.profile')}
      </Link>
    </nav>
  )
}

export function LanguageSelect({ id }: { id: string }) {
  const t = useText()
  return (
    <>
      <label className="sr" htmlFor={id}>
        {t('nav.language')}
      </label>
      <select
        id={id}
        className="input input-fit input-short"
        value={currentLocale()}
        onChange={(e) => void changeLocale(e.target.value as Locale)}
      >
        {locales.map((locale) => (
          <option key={locale} value={locale} lang={locale}>
            {languageNames[locale]}
          </option>
        ))}
      </select>
    </>
  )
}

function Footer() {
  const t = useText()
  return (
    <footer className="app-footer">
      <Wordmark />
      <span>{t('nav.promise')}</span>
      <span className="app-spacer" />
      <LanguageSelect id="foot-language" />
    </footer>
  )
}
