import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { Suspense, lazy, useState } from 'react'
import { Icon } from '../../components/Icon'
import { Skeleton, Empty, Failure, Notice } from '../../components/ui'
import { useTitle } from '../../components/title'
import { calendarDay, fromDecimal, money, monthName, number, toDecimal } from '../../i18n/format'
import { useText, type Text } from '../../i18n/text'
import { categoryName } from '../events/category'
import { month, nextDays, today, weekend } from '../events/dates'
import { EventRow } from '../events/EventCard'
import { dropEmpty, PAGE_SIZE, searchQuery, validateSearch, type Bucket, type Results, type Search } from './query'
import { SearchBox } from './SearchBox'

const ResultMap = lazy(() => import('./ResultMap'))
const Dialog = lazy(() => import('../../components/Dialog'))
const route = getRouteApi('/search')

export function SearchPage() {
  const search = route.useSearch()
  const t = useText()
  const navigate = useNavigate()
  const [filtering, setFiltering] = useState(false)
  const results = useInfiniteQuery(searchQuery(search, PAGE_SIZE))
  const first = results.data?.pages[0]
  const items = results.data?.pages.flatMap((page) => page.items) ?? []
  useTitle(search.q ?? t('search.title'))

  const change = (patch: Partial<Search>) =>
    void navigate({ to: '/search', search: validateSearch(dropEmpty({ ...search, ...patch })), replace: true })
  const filters = first && <Filters search={search} results={first} change={change} />
  const active = activeFilters(search, t)

  return (
    <div className="page">
      <div className="search-head">
        <h1 className="sr">{t('search.title')}</h1>
        <SearchBox key={search.q ?? ''} initial={search.q} onSearch={(q) => change({ q: q || undefined })} />
        <div className="cluster between">
          <p role="status" className="tabular strong">
            {first ? t('search.total', { count: first.total ?? items.length }) : <Skeleton w="8rem" />}
          </p>
          <div className="cluster search-tools">
            <label className="sr" htmlFor="sort">
              {t('search.sort')}
            </label>
            <select
              id="sort"
              className="input"
              value={search.sort ?? 'relevance'}
              onChange={(e) =>
                change({ sort: e.target.value === 'relevance' ? undefined : (e.target.value as Search['sort']) })
              }
            >
              <option value="relevance">{t('search.by_relevance')}</option>
              <option value="date">{t('search.by_date')}</option>
              <option value="price">{t('search.by_price')}</option>
              {search.near && <option value="distance">{t('search.by_distance')}</option>}
            </select>
            <button
              type="button"
              className="chip"
              aria-pressed={search.view === 'map'}
              onClick={() => change({ view: search.view === 'map' ? undefined : 'map' })}
            >
              <Icon name="map" size={18} />
              {t('search.map')}
            </button>
            <button type="button" className="chip search-filter-button" onClick={() => setFiltering(true)}>
              <Icon name="filter" size={18} />
              {t('search.filters')}
              {active.length > 0 && <span className="chip-count">{number(active.length)}</span>}
            </button>
          </div>
        </div>
        {active.length > 0 && (
          <ul className="chips" aria-label={t('search.active')}>
            {active.map((filter) => (
              <li key={filter.key}>
                <button type="button" className="chip" aria-pressed="true" onClick={() => change(filter.off)}>
                  {filter.label}
                  <Icon name="close" size={16} />
                  <span className="sr">{t('search.remove_filter')}</span>
                </button>
              </li>
            ))}
            <li>
              <button
                type="button"
                className="button button-quiet button-small"
                onClick={() =>
                  void navigate({
                    to: '/search',
                    search: dropEmpty({ q: search.q, sort: search.sort, view: search.view }),
                  })
                }
              >
                {t('search.clear')}
              </button>
            </li>
          </ul>
        )}
      </div>

      <div className="search-layout">
        <aside className="search-filters search-filters-side" aria-label={t('search.filters')}>
          {filters ?? [1, 2, 3].map((n) => <Skeleton key={n} h="7rem" />)}
        </aside>
        <div className={`stack ${results.isPlaceholderData ? 'search-stale' : ''}`}>
          {first?.degraded && <Notice tone="warn" title={t('search.degraded')} />}
          {results.isError && <Failure error={results.error} retry={() => void results.refetch()} />}
          {search.view === 'map' && items.length > 0 && (
            <Suspense fallback={<Skeleton h="24rem" r="var(--radius-l)" />}>
              <ResultMap hits={items} onCity={(city) => change({ city })} />
            </Suspense>
          )}
          {results.isPending && <RowSkeletons />}
          {first && items.length === 0 && (
            <Empty
              title={t('search.none')}
              action={
                active.length > 0 ? (
                  <button
                    type="button"
                    className="button"
                    onClick={() => void navigate({ to: '/search', search: dropEmpty({ q: search.q }) })}
                  >
                    {t('search.clear')}
                  </button>
                ) : undefined
              }
            >
              {t('search.none_text')}
            </Empty>
          )}
          <ul className="event-list">
            {items.map((hit) => (
              <li key={hit.id}>
                <EventRow hit={hit} />
              </li>
            ))}
          </ul>
          {results.hasNextPage && (
            <button
              type="button"
              className="button self-center"
              disabled={results.isFetchingNextPage}
              onClick={() => void results.fetchNextPage()}
            >
              {results.isFetchingNextPage ? <span className="spinner" /> : t('common.more_results')}
            </button>
          )}
        </div>
      </div>
      {filtering && (
        <Suspense fallback={null}>
          <Dialog open onClose={() => setFiltering(false)} title={t('search.filters')}>
            <div className="search-filters">{filters}</div>
            <button type="button" className="button button-light" onClick={() => setFiltering(false)}>
              {t('search.show', { count: first?.total ?? items.length })}
            </button>
          </Dialog>
        </Suspense>
      )}
    </div>
  )
}

function activeFilters(search: Search, t: Text) {
  const list: { key: string; label: string; off: Partial<Search> }[] = []
  if (search.category)
    list.push({ key: 'category', label: categoryName(t, search.category), off: { category: undefined } })
  if (search.city) list.push({ key: 'city', label: search.city, off: { city: undefined } })
  if (search.from || search.to)
    list.push({ key: 'date', label: dateLabel(search, t), off: { from: undefined, to: undefined } })
  if (search.minPrice !== undefined || search.maxPrice !== undefined) {
    list.push({
      key: 'price',
      label: priceLabel(search, t),
      off: { minPrice: undefined, maxPrice: undefined, currency: undefined },
    })
  }
  if (search.near)
    list.push({
      key: 'near',
      label: t('search.near_me'),
      off: { near: undefined, radius: undefined, sort: search.sort === 'distance' ? undefined : search.sort },
    })
  if (search.available) list.push({ key: 'available', label: t('search.available'), off: { available: undefined } })
  return list
}

const isRange = (search: Search, range: { from: string; to: string }) =>
  search.from === range.from && search.to === range.to

function priceLabel({ minPrice, maxPrice, currency = 'EUR' }: Search, t: Text): string {
  const from = minPrice !== undefined && money({ amount: minPrice, currency })
  const to = maxPrice !== undefined && money({ amount: maxPrice, currency })
  if (!to) return t('event.from', { price: from })
  return from ? t('search.range', { from, to }) : t('search.max_price', { price: to })
}

function dateLabel(search: Search, t: Text): string {
  if (isRange(search, today())) return t('search.today')
  if (isRange(search, weekend())) return t('search.weekend')
  if (isRange(search, nextDays(30))) return t('search.month')
  if (
    search.from &&
    search.to &&
    search.from.slice(0, 7) === search.to.slice(0, 7) &&
    isRange(search, month(search.from.slice(0, 7)))
  )
    return monthName(search.from.slice(0, 7))
  const from = search.from && calendarDay(search.from)
  const to = search.to && calendarDay(search.to)
  if (!to) return t('search.from_date', { date: from })
  return from ? t('search.range', { from, to }) : t('search.to_date', { date: to })
}

function Filters({
  search,
  results,
  change,
}: {
  search: Search
  results: Results
  change: (patch: Partial<Search>) => void
}) {
  const t = useText()
  const [locating, setLocating] = useState<'no' | 'asking' | 'denied'>('no')
  const ranges = [
    ['search.today', today()],
    ['search.weekend', weekend()],
    ['search.month', nextDays(30)],
  ] as const
  const near = () => {
    if (search.near)
      return change({ near: undefined, radius: undefined, sort: search.sort === 'distance' ? undefined : search.sort })
    setLocating('asking')
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        setLocating('no')
        change({ near: `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`, radius: 50, sort: 'distance' })
      },
      () => setLocating('denied'),
      { timeout: 8000, maximumAge: 600_000 },
    )
  }
  return (
    <>
      <fieldset className="search-facet">
        <legend className="label">{t('search.date')}</legend>
        <div className="chips">
          {ranges.map(([key, range]) => (
            <button
              key={key}
              type="button"
              className="chip"
              aria-pressed={isRange(search, range)}
              onClick={() => change(isRange(search, range) ? { from: undefined, to: undefined } : range)}
            >
              {t(key)}
            </button>
          ))}
        </div>
        <Months search={search} results={results} change={change} />
        <div className="field-row">
          <input
            className="input"
            type="date"
            aria-label={t('search.from')}
            value={search.from ?? ''}
            onChange={(e) => change({ from: e.target.value || undefined })}
          />
          <input
            className="input"
            type="date"
            aria-label={t('search.to')}
            value={search.to ?? ''}
            onChange={(e) => change({ to: e.target.value || undefined })}
          />
        </div>
      </fieldset>
      <Facet
        title={t('search.category')}
        buckets={results.facets.category}
        value={search.category}
        name={(value) => categoryName(t, value)}
        onChange={(category) => change({ category })}
      />
      <Facet
        title={t('search.city')}
        buckets={results.facets.city}
        value={search.city}
        name={(value) => value}
        onChange={(city) => change({ city })}
      />
      <div className="search-facet">
        <button type="button" className="chip self-start" aria-pressed={Boolean(search.near)} onClick={near}>
          <Icon name="pin" size={18} />
          {locating === 'asking' ? t('search.locating') : t('search.near_me')}
        </button>
        {locating === 'denied' && <span className="hint">{t('search.no_location')}</span>}
      </div>
      <PriceRange search={search} change={change} />
      <label className="check">
        <input
          type="checkbox"
          checked={search.available ?? false}
          onChange={(e) => change({ available: e.target.checked || undefined })}
        />
        <span>{t('search.available')}</span>
      </label>
    </>
  )
}

function Months({
  search,
  results,
  change,
}: {
  search: Search
  results: Results
  change: (patch: Partial<Search>) => void
}) {
  if (results.facets.month.length === 0) return null
  return (
    <div className="chips">
      {results.facets.month.slice(0, 6).map((bucket) => (
        <button
          key={bucket.value}
          type="button"
          className="chip"
          aria-pressed={isRange(search, month(bucket.value))}
          onClick={() =>
            change(isRange(search, month(bucket.value)) ? { from: undefined, to: undefined } : month(bucket.value))
          }
        >
          {monthName(bucket.value)}
          <span className="chip-count">{number(bucket.count)}</span>
        </button>
      ))}
    </div>
  )
}

function PriceRange({ search, change }: { search: Search; change: (patch: Partial<Search>) => void }) {
  const t = useText()
  const currency = search.currency ?? 'EUR'
  const shown = (key: 'minPrice' | 'maxPrice') => (search[key] === undefined ? '' : toDecimal(search[key], currency))
  const set = (key: 'minPrice' | 'maxPrice', text: string) => {
    const value = fromDecimal(text, currency)
    const other = key === 'minPrice' ? search.maxPrice : search.minPrice
    change({ [key]: value, currency: value === undefined && other === undefined ? undefined : currency })
  }
  const field = (key: 'minPrice' | 'maxPrice', label: string) => (
    <input
      key={`${key}${search[key] ?? ''}`}
      className="input"
      type="number"
      inputMode="numeric"
      min={0}
      aria-label={label}
      placeholder={label}
      defaultValue={shown(key)}
      onBlur={(e) => e.target.value !== shown(key) && set(key, e.target.value)}
      onKeyDown={(e) => e.key === 'Enter' && set(key, e.currentTarget.value)}
    />
  )
  return (
    <fieldset className="search-facet">
      <legend className="label">{t('search.price', { currency })}</legend>
      <div className="field-row">
        {field('minPrice', t('search.min'))}
        {field('maxPrice', t('search.max'))}
      </div>
    </fieldset>
  )
}

function Facet({
  title,
  buckets,
  value,
  name,
  onChange,
}: {
  title: string
  buckets: Bucket[]
  value: string | undefined
  name: (value: string) => string
  onChange: (value: string | undefined) => void
}) {
  const t = useText()
  const [all, setAll] = useState(false)
  if (buckets.length === 0) return null
  const shown = all ? buckets : buckets.slice(0, 8)
  return (
    <fieldset className="search-facet">
      <legend className="label">{title}</legend>
      <div className="chips">
        {shown.map((bucket) => (
          <button
            key={bucket.value}
            type="button"
            className="chip"
            aria-pressed={bucket.value === value}
            onClick={() => onChange(bucket.value === value ? undefined : bucket.value)}
          >
            <span dir="auto">{name(bucket.value)}</span>
            <span className="chip-count">{number(bucket.count)}</span>
          </button>
        ))}
        {buckets.length > shown.length && (
          <button type="button" className="button button-quiet button-small" onClick={() => setAll(true)}>
            {t('search.all_options')}
          </button>
        )}
      </div>
    </fieldset>
  )
}

function RowSkeletons() {
  return (
    <ul className="event-list" aria-hidden="true">
      {[1, 2, 3, 4, 5, 6].map((n) => (
        <li key={n} className="event-row">
          <div className="poster skeleton" />
          <div className="stack-s">
            <Skeleton w="30%" />
            <Skeleton w="70%" h="1.5rem" />
            <Skeleton w="45%" />
          </div>
        </li>
      ))}
    </ul>
  )
}
