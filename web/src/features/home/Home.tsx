import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Icon } from '../../components/Icon'
import { Skeleton, Failure } from '../../components/ui'
import { number } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { categoryName } from '../events/category'
import { weekend } from '../events/dates'
import { EventCard } from '../events/EventCard'
import { SearchBox } from '../search/SearchBox'
import type { Hit } from '../../listing/hit'
import { upcomingQuery } from '../events/query'
import { overviewQuery, searchQuery } from '../search/query'

const FIRST_CATEGORIES = ['music', 'theatre', 'comedy', 'sport', 'conference']

export function Home() {
  const t = useText()
  const navigate = useNavigate()
  const overview = useInfiniteQuery(overviewQuery)
  const page = overview.data?.pages[0]
  const categories = page?.facets.category.map((b) => b.value) ?? []
  const shown = [
    ...FIRST_CATEGORIES.filter((c) => categories.includes(c)),
    ...categories.filter((c) => !FIRST_CATEGORIES.includes(c)),
  ].slice(0, 4)
  const failed = overview.isError
  const upcoming = useQuery({ ...upcomingQuery, enabled: failed })
  const cities = page?.facets.city.slice(0, 12) ?? []
  const error = failed && upcoming.isError

  return (
    <div>
      <section className="home-hero">
        <h1 className="home-headline">{t('home.headline')}</h1>
        <HeroDoor />
        <SearchBox large onSearch={(q) => void navigate({ to: '/search', search: { q } })} />
        <nav className="chips chips-scroll" aria-label={t('home.shortcuts')}>
          <Link className="chip" to="/search" search={{ ...weekend(), sort: 'date' }}>
            <Icon name="calendar" size={18} />
            {t('search.weekend')}
          </Link>
          {(page?.facets.category ?? []).slice(0, 8).map((bucket) => (
            <Link key={bucket.value} className="chip" to="/search" search={{ category: bucket.value }}>
              {categoryName(t, bucket.value)}
            </Link>
          ))}
          {!page && !failed && [7, 6, 8, 5].map((w) => <Skeleton key={w} w={`${w}rem`} h="2.5rem" r="999px" />)}
        </nav>
      </section>

      <div className="page">
        {error && <Failure error={upcoming.error} retry={() => void upcoming.refetch()} />}
        {failed && upcoming.data && <EventShelf title={t('home.upcoming')} hits={upcoming.data.slice(0, 24)} wrap />}
        {!page && !error && !upcoming.data && <EventShelfSkeleton />}
        {page && shown.map((category) => <CategoryShelf key={category} category={category} />)}
        {cities.length > 0 && (
          <section className="home-shelf">
            <h2>{t('home.cities')}</h2>
            <ul className="home-cities">
              {cities.map((city) => (
                <li key={city.value}>
                  <Link to="/search" search={{ city: city.value }}>
                    <span dir="auto">{city.value}</span> <span className="muted tabular">{number(city.count)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        )}
        {page && page.total === 0 && <p className="muted">{t('home.nothing')}</p>}
      </div>
    </div>
  )
}

function CategoryShelf({ category }: { category: string }) {
  const t = useText()
  const found = useInfiniteQuery({ ...searchQuery({ category, sort: 'date' }, 8), staleTime: 30_000 })
  if (found.isPending) return <EventShelfSkeleton />
  if (!found.data) return null // search is away, or too busy: the other shelves are enough
  return <EventShelf title={categoryName(t, category)} hits={found.data.pages[0]!.items} more={category} />
}

function EventShelf({
  title,
  hits,
  more,
  wrap = false,
}: {
  title: string
  hits: Hit[]
  more?: string
  wrap?: boolean
}) {
  const t = useText()
  if (hits.length === 0) return null
  return (
    <section className="home-shelf">
      <div className="cluster between">
        <h2>{title}</h2>
        {more && (
          <Link to="/search" search={{ category: more }} className="small">
            {t('home.all')}
            <span className="sr"> {title}</span>
          </Link>
        )}
      </div>
      <ul className={`home-shelf-items ${wrap ? 'home-shelf-wrap' : ''}`}>
        {hits.map((hit) => (
          <li key={hit.id}>
            <EventCard hit={hit} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function EventShelfSkeleton() {
  return (
    <section className="home-shelf" aria-hidden="true">
      <Skeleton w="9rem" h="2rem" />
      <ul className="home-shelf-items">
        {[1, 2, 3, 4, 5].map((n) => (
          <li key={n} className="stack-s">
            <div className="poster skeleton" />
            <Skeleton w="50%" h="1.4rem" />
            <Skeleton w="85%" h="1.4rem" />
            <Skeleton w="60%" h="1.4rem" />
            <Skeleton w="40%" h="1.4rem" />
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The logo as a large drawing on wide screens. */
function HeroDoor() {
  return (
    <svg className="home-door" viewBox="0 0 520 420" aria-hidden="true">
      <path d="M232 360 L0 420 H430 L388 360Z" fill="var(--light)" opacity="0.5" />
      <path d="M190 360V180a120 120 0 0 1 240 0v180z" fill="var(--night)" />
      <path d="M214 360V184a96 96 0 0 1 192 0v176z" fill="var(--light)" />
      <path d="M214 360V146l106 30v184z" fill="var(--night)" />
      <circle cx="298" cy="270" r="7" fill="var(--light)" />
      <path d="M120 360h380" stroke="var(--ink)" strokeWidth="5" strokeLinecap="round" />
    </svg>
  )
}
