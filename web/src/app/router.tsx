import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link } from '@tanstack/react-router'
import { asProblem } from '../api/problem'
import { Empty, Failure, Loading } from '../components/ui'
import { eventQuery } from '../features/events/query'
import { overviewQuery, PAGE_SIZE, searchQuery, validateSearch } from '../features/search/query'
import { planQuery, seatsQuery } from '../features/seatmap/query'
import { useText } from '../i18n/text'
import { Layout } from './Layout'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 3 && asProblem(error).isTransient,
      staleTime: 5_000,
      networkMode: 'offlineFirst',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
})

const root = createRootRoute({
  component: () => (
    <QueryClientProvider client={queryClient}>
      <Layout />
    </QueryClientProvider>
  ),
  notFoundComponent: NotFound,
})

function NotFound() {
  const t = useText()
  return (
    <Empty
      title={t('problem.not_found')}
      action={
        <Link to="/" className="button button-light">
          {t('nav.home')}
        </Link>
      }
    >
      {t('common.lost')}
    </Empty>
  )
}

const page = <P extends string>(path: P) => ({ getParentRoute: () => root, path })

// A page's first requests start while its script loads, and on touch of a link. The router does not wait
// for them: the page shows placeholders.
const home = createRoute({
  ...page('/'),
  loader: () => void queryClient.prefetchInfiniteQuery(overviewQuery),
  component: lazyRouteComponent(() => import('../features/home/Home'), 'Home'),
})

const search = createRoute({
  ...page('/search'),
  validateSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ deps }) => void queryClient.prefetchInfiniteQuery(searchQuery(deps, PAGE_SIZE)),
  component: lazyRouteComponent(() => import('../features/search/SearchPage'), 'SearchPage'),
})
const event = createRoute({
  ...page('/events/$id'),
  loader: ({ params }) => void queryClient.prefetchQuery(eventQuery(params.id)),
  component: lazyRouteComponent(() => import('../features/events/EventPage'), 'EventPage'),
})
const tickets = createRoute({
  ...page('/events/$id/tickets'),
  loader: ({ params, cause }) => {
    void queryClient.prefetchQuery(eventQuery(params.id))
    void queryClient.prefetchQuery(planQuery(params.id))
    if (cause !== 'enter') return
    queryClient.removeQueries(seatsQuery(params.id))
    void queryClient.prefetchQuery(seatsQuery(params.id))
  },
  component: lazyRouteComponent(() => import('../features/purchase/PickerPage'), 'PickerPage'),
})
const queue = createRoute({
  ...page('/events/$id/queue'),
  component: lazyRouteComponent(() => import('../features/queue/QueuePage'), 'QueuePage'),
})
const checkout = createRoute({
  ...page('/checkout/$hold'),
  component: lazyRouteComponent(() => import('../features/purchase/CheckoutPage'), 'CheckoutPage'),
})
const bookings = createRoute({
  ...page('/bookings'),
  component: lazyRouteComponent(() => import('../features/bookings/BookingsPage'), 'BookingsPage'),
})
const booking = createRoute({
  ...page('/bookings/$id'),
  component: lazyRouteComponent(() => import('../features/bookings/BookingPage'), 'BookingPage'),
})
const profile = createRoute({
  ...page('/profile'),
  component: lazyRouteComponent(() => import('../features/profile/ProfilePage'), 'ProfilePage'),
})
const register = createRoute({
  ...page('/register'),
  component: lazyRouteComponent(() => import('../features/session/RegisterPage'), 'RegisterPage'),
})
const forgotPassword = createRoute({
  ...page('/password'),
  component: lazyRouteComponent(() => import('../features/session/LinkPages'), 'ForgotPasswordPage'),
})
const newPassword = createRoute({
  ...page('/password/new'),
  component: lazyRouteComponent(() => import('../features/session/LinkPages'), 'NewPasswordPage'),
})
const confirm = createRoute({
  ...page('/confirm'),
  component: lazyRouteComponent(() => import('../features/session/LinkPages'), 'ConfirmPage'),
})
const notifications = createRoute({
  ...page('/notifications'),
  component: lazyRouteComponent(() => import('../features/notifications/NotificationsPage'), 'NotificationsPage'),
})

const merchant = createRoute({
  ...page('/merchant'),
  component: lazyRouteComponent(() => import('../features/merchant'), 'MerchantLayout'),
})
const merchantPage = <P extends string>(path: P) => ({ getParentRoute: () => merchant, path })
const merchantEvents = createRoute({
  ...merchantPage('/'),
  component: lazyRouteComponent(() => import('../features/merchant'), 'Events'),
})
const merchantNew = createRoute({
  ...merchantPage('/events/new'),
  component: lazyRouteComponent(() => import('../features/merchant'), 'NewEvent'),
})
const merchantEvent = createRoute({
  ...merchantPage('/events/$id'),
  component: lazyRouteComponent(() => import('../features/merchant'), 'Event'),
})
const merchantVenues = createRoute({
  ...merchantPage('/venues'),
  component: lazyRouteComponent(() => import('../features/merchant'), 'Venues'),
})
const merchantPlan = createRoute({
  ...merchantPage('/venues/$id'),
  component: lazyRouteComponent(() => import('../features/merchant'), 'Plan'),
})

const admin = createRoute({
  ...page('/admin'),
  component: lazyRouteComponent(() => import('../features/admin'), 'AdminLayout'),
})
const adminPage = <P extends string>(path: P) => ({ getParentRoute: () => admin, path })
const adminUsers = createRoute({
  ...adminPage('/'),
  component: lazyRouteComponent(() => import('../features/admin'), 'Users'),
})
const adminBookings = createRoute({
  ...adminPage('/bookings'),
  component: lazyRouteComponent(() => import('../features/admin'), 'Bookings'),
})
const adminQueues = createRoute({
  ...adminPage('/queues'),
  component: lazyRouteComponent(() => import('../features/admin'), 'Queues'),
})
const adminMoney = createRoute({
  ...adminPage('/reconciliation'),
  component: lazyRouteComponent(() => import('../features/admin'), 'ReconciliationPage'),
})

const adminAudit = createRoute({
  ...adminPage('/audit'),
  component: lazyRouteComponent(() => import('../features/admin/Audit'), 'Audit'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    search,
    event,
    tickets,
    queue,
    checkout,
    bookings,
    booking,
    profile,
    register,
    forgotPassword,
    newPassword,
    confirm,
    notifications,
    merchant.addChildren([merchantEvents, merchantNew, merchantEvent, merchantVenues, merchantPlan]),
    admin.addChildren([adminUsers, adminBookings, adminQueues, adminMoney, adminAudit]),
  ]),
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0, // TanStack Query decides what is stale
  defaultPendingMs: 150,
  defaultPendingMinMs: 0, // show a loaded page at once, without a minimum time for placeholders
  scrollRestoration: true,
  defaultRemountDeps: ({ params }) => params, // remount when the event, hold or booking in the path changes
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => (
    <div className="page page-narrow">
      <Failure error={error} retry={reset} />
    </div>
  ),
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
