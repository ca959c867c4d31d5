import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { Suspense, lazy, useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { Event, EventPlan, SeatMap } from '../../api/client'
import { asProblem } from '../../api/problem'
import { Icon } from '../../components/Icon'
import { useTitle } from '../../components/title'
import { Skeleton, Failure, Loading, Notice, Stepper, useProblemText } from '../../components/ui'
import { day, money, number, time } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { useStream } from '../../live/hooks'
import { currentCart, dispatch, useCart } from './cart'
import { changeHold, createHold, getHold, releaseHold } from './hold'
import { Timer } from '../../components/Timer'
import { eventQuery } from '../events/query'
import { storedPass } from '../queue/pass'
import { signIn, useSession } from '../session/session'
import type { CameraHandle } from '../seatmap/camera'
import { buildLayout, orphans, unitLabel, type SeatLayout } from '../seatmap/layout'
import { typeColor } from '../seatmap/appearance'
import { planQuery, seatsQuery } from '../seatmap/query'
import { SectionView } from '../seatmap/SectionView'
import { SeatList } from '../seatmap/SeatList'
import { SeatStore } from '../seatmap/store'
import SvgMap from '../seatmap/SvgMap'
import '../seatmap/seatmap.css'

const CanvasMap = lazy(() => import('../seatmap/CanvasMap'))
const SVG_LIMIT = 2_000
const route = getRouteApi('/events/$id/tickets')

export function PickerPage() {
  const { id } = route.useParams()
  const event = useQuery({ ...eventQuery(id), refetchInterval: false })
  const plan = useQuery(planQuery(id))
  const map = useQuery(seatsQuery(id))
  useTitle(event.data?.name)
  const store = useSeatStore(event.data, plan.data, map.data)
  const failed = [event, plan, map].find((q) => q.isError)
  if (failed)
    return (
      <div className="page page-narrow">
        <Failure error={failed.error} retry={() => void failed.refetch()} />
      </div>
    )
  if (!store || !event.data)
    return (
      <Loading>
        <div className="picker">
          <div className="picker-map skeleton" />
          <div className="picker-side">
            <Skeleton h="2rem" w="70%" />
            <Skeleton h="6rem" />
            <Skeleton h="6rem" />
          </div>
        </div>
      </Loading>
    )
  return <Picker event={event.data} store={store} />
}

/** A store for the seats of a plan. A background refetch of the event must not discard the selection. */
function useSeatStore(event: Event | undefined, plan: EventPlan | undefined, map: SeatMap | undefined) {
  const [made, setMade] = useState<{ event: string; plan: EventPlan; map: SeatMap; store: SeatStore } | null>(null)
  if (!event || !plan || !map) return null
  if (made?.event === event.id && made.plan === plan && made.map === map) return made.store
  const store = new SeatStore(buildLayout(event, plan, map), map)
  setMade({ event: event.id, plan, map, store })
  return store
}

function Picker({ event, store }: { event: Event; store: SeatStore }) {
  const t = useText()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const text = useProblemText()
  const { session } = useSession()
  const cart = useCart()
  const { layout } = store
  useSyncExternalStore(store.subscribe, store.snapshot)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [generalAdmission, setGeneralAdmission] = useState(() => initialGeneralAdmission(event.id, layout))
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [announcement, setAnnouncement] = useState('')
  const [listed, setListed] = useState(false)
  const [latest, setLatest] = useState<number | null>(null)
  const camera = useRef<CameraHandle>(null)
  const held = cart.kind === 'held' && cart.event === event.id ? cart : null
  const expired = cart.kind === 'expired' && cart.event === event.id ? cart : null

  const connection = useStream(`/api/v1/events/${event.id}/seats/stream?units=none`, (e) => {
    if (!store.receive(e)) void queries.invalidateQueries(seatsQuery(event.id))
  })

  // Restores the account's hold, or a selection made before signing in.
  useEffect(() => {
    const cart = currentCart()
    if (cart.kind === 'held' && cart.event === event.id) {
      store.adopt(cart.units)
      getHold(cart.hold).then(
        (hold) => {
          dispatch({ type: 'hold', hold })
          if (hold.status === 'open') store.adopt(hold.units.map((u) => u.unit))
        },
        (reason: unknown) =>
          asProblem(reason).status !== 0 &&
          dispatch({ type: asProblem(reason).code === 'hold_expired' ? 'expired' : 'released' }),
      )
      return
    }
    const choice = storedChoice(event.id)
    if (!choice) return
    sessionStorage.removeItem(choiceKey(event.id))
    store.choose(
      choice.units
        .map((unit) => layout.index.get(unit))
        .filter((unit): unit is number => unit !== undefined && store.free(unit)),
    )
  }, [event.id, layout, store])

  const seats = [...store.chosen].filter((unit) => unit < layout.seats)
  const places = Object.values(generalAdmission).reduce((a, b) => a + b, 0)
  const count = seats.length + places
  const max = event.maxPerOrder
  const total = {
    amount:
      seats.reduce((sum, unit) => sum + (layout.types[layout.type[unit]!]?.price.amount ?? 0), 0) +
      layout.types.reduce((sum, type) => sum + (generalAdmission[type?.id ?? ''] ?? 0) * (type?.price.amount ?? 0), 0),
    currency: layout.types[0]?.price.currency ?? 'EUR',
  }
  const orphaned = orphans(layout, store.states, store.chosen)

  const toggle = useCallback(
    (unit: number) => {
      setError(null)
      const { section, row, seat } = unitLabel(layout, unit)
      const result = store.toggle(unit, max - places)
      if (result === 'chosen') setLatest(unit)
      setAnnouncement(
        result === 'full' ? t('seats.full', { count: max }) : t(`seats.said_${result}`, { section, row, seat }),
      )
    },
    [layout, store, max, places, t],
  )

  const withSession = async (work: () => Promise<unknown>) => {
    if (!session) {
      sessionStorage.setItem(
        choiceKey(event.id),
        JSON.stringify({ units: seats.map((u) => layout.ids[u]!), standing: generalAdmission } satisfies Choice),
      )
      return signIn()
    }
    setBusy(true)
    setError(null)
    try {
      await work()
    } catch (reason) {
      const problem = asProblem(reason)
      if (problem.code === 'units_unavailable' && Array.isArray(problem.fields.units))
        store.markLost(problem.fields.units.map(String))
      else if (problem.code === 'hold_expired') dispatch({ type: 'expired' })
      else setError(reason)
    } finally {
      store.expected.clear()
      setBusy(false)
    }
  }

  const units = () => [...seats.map((unit) => layout.ids[unit]!), ...generalAdmissionUnits(store, generalAdmission)]

  const submit = () =>
    withSession(async () => {
      for (const unit of seats) store.expected.add(unit)
      let hold
      if (held) {
        const current = await getHold(held.hold)
        hold = current.status === 'open' ? await changeHold(current, units()) : current
      } else if (seats.length === 0) {
        hold = await createHold(event.id, {
          items: Object.entries(generalAdmission)
            .filter(([, n]) => n > 0)
            .map(([ticketType, quantity]) => ({ ticketType, quantity })),
        })
      } else hold = await createHold(event.id, { units: units() })
      store.adopt(hold.units.map((u) => u.unit))
      void navigate({ to: '/checkout/$hold', params: { hold: hold.id } })
    })

  const holdBest = (ticketType: string, quantity: number) =>
    withSession(async () => {
      if (held) await releaseHold(held.hold)
      const hold = await createHold(event.id, { items: [{ ticketType, quantity }] })
      store.adopt(hold.units.map((u) => u.unit))
      setGeneralAdmission(
        countGeneralAdmission(
          layout,
          hold.units.map((u) => u.unit),
        ),
      )
      const first = layout.index.get(hold.units[0]!.unit)
      if (first !== undefined && first < layout.seats) {
        setLatest(first)
        const section = layout.sections.find((s) => s.name === layout.section[first])
        if (section) camera.current?.show(section)
      }
      setAnnouncement(t('seats.held_best', { count: hold.units.length }))
    })

  const chooseSameSeats = () => {
    const wanted = expired?.units ?? []
    const free = wanted
      .map((id) => layout.index.get(id))
      .filter((unit): unit is number => unit !== undefined && store.free(unit))
    dispatch({ type: 'released' })
    store.choose(free.filter((unit) => unit < layout.seats))
    setGeneralAdmission(countGeneralAdmission(layout, wanted))
    setAnnouncement(t('seats.chosen_count', { count: free.length }))
  }

  const MapView = layout.seats > SVG_LIMIT ? CanvasMap : SvgMap
  const needsPass = event.highDemand && !held && !storedPass(event.id)
  const sameFree = expired ? expired.units.filter((id) => store.states[layout.index.get(id) ?? -1] === 'a').length : 0

  return (
    <div className={`picker ${layout.seats === 0 ? 'picker-plain' : ''}`}>
      {layout.seats > 0 && (
        <section className="picker-map" aria-label={t('seats.map')}>
          <Suspense fallback={<div className="skeleton picker-map-wait" />}>
            <MapView store={store} hidden={hidden} onTap={toggle} cameraRef={camera} />
          </Suspense>
          <div className="map-tools">
            <button
              type="button"
              className="icon-button"
              aria-label={t('seats.zoom_in')}
              onClick={() => camera.current?.zoom(1.7)}
            >
              <Icon name="plus" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={t('seats.zoom_out')}
              onClick={() => camera.current?.zoom(1 / 1.7)}
            >
              <Icon name="minus" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={t('seats.whole')}
              onClick={() => camera.current?.reset()}
            >
              <Icon name="venue" />
            </button>
          </div>
          <Legend />
        </section>
      )}
      <div className="picker-side">
        <header className="picker-head">
          <Link to="/events/$id" params={{ id: event.id }} className="icon-button" aria-label={t('common.back')}>
            <Icon name="back" />
          </Link>
          <div>
            <h1 dir="auto">{event.name}</h1>
            <p className="small muted">
              {day(event.startsAt, event.timeZone)} · {time(event.startsAt, event.timeZone)} · {event.venue.name}
            </p>
          </div>
        </header>
        {connection === 'waiting' || connection === 'offline' ? (
          <Notice tone="warn" title={t('seats.not_live')} live />
        ) : null}
        {expired && (
          <Notice tone="warn" title={t('cart.over')} live>
            <span>{t('cart.over_text')}</span>
            <div className="cluster">
              {sameFree > 0 && (
                <button type="button" className="button button-small" onClick={chooseSameSeats}>
                  {t('cart.same', { count: sameFree })}
                </button>
              )}
              <button
                type="button"
                className="button button-quiet button-small"
                onClick={() => dispatch({ type: 'released' })}
              >
                {t('common.dismiss')}
              </button>
            </div>
          </Notice>
        )}
        {store.lost.length > 0 && (
          <Notice tone="bad" title={t('seats.lost', { count: store.lost.length })} live>
            <span>
              {store.lost
                .slice(0, 4)
                .map((unit) => (unit < layout.seats ? t('seats.short', unitLabel(layout, unit)) : ''))
                .filter(Boolean)
                .join(' · ')}
            </span>
            <div>
              <button type="button" className="button button-quiet button-small" onClick={() => store.forgetLost()}>
                {t('common.dismiss')}
              </button>
            </div>
          </Notice>
        )}
        {needsPass && (
          <Notice tone="warn" title={t('queue.needed')}>
            <div>
              <Link to="/events/$id/queue" params={{ id: event.id }} className="button button-small">
                {t('event.join_queue')}
              </Link>
            </div>
          </Notice>
        )}
        {layout.seats > 0 && (
          <BestSeats layout={layout} store={store} max={max} busy={busy} onBest={(type, n) => void holdBest(type, n)} />
        )}
        {layout.seats > 0 && (
          <fieldset className="stack-s">
            <legend className="label">{t('seats.prices')}</legend>
            <div className="picker-types">
              {layout.types.map((type, i) =>
                type?.seated ? (
                  <button
                    key={type.id}
                    type="button"
                    className="chip"
                    aria-pressed={hidden.size > 0 && !hidden.has(type.id)}
                    onClick={() => setHidden((now) => toggleShownType(layout, now, type.id))}
                  >
                    <span className="picker-swatch" style={{ background: typeColor(i) }} />
                    {type.name}
                    <span className="chip-count">{money(type.price)}</span>
                  </button>
                ) : null,
              )}
            </div>
          </fieldset>
        )}
        {layout.types
          .filter((type) => type && !type.seated)
          .map((type) => {
            const free = (layout.generalAdmission.get(type.id) ?? []).reduce(
              (n, unit) => n + (store.free(unit) ? 1 : 0),
              0,
            )
            return (
              <div key={type.id} className="picker-standing">
                <div>
                  <strong>{type.name}</strong>
                  <p className="small muted tabular">
                    {type.price.amount === 0 ? t('event.free') : money(type.price)} ·{' '}
                    {free === 0 ? t('event.sold_out') : t('event.left', { count: free, n: number(free) })}
                  </p>
                </div>
                <Stepper
                  label={type.name}
                  value={generalAdmission[type.id] ?? 0}
                  max={Math.min(free, max - count + (generalAdmission[type.id] ?? 0))}
                  onChange={(n) => setGeneralAdmission((now) => ({ ...now, [type.id]: n }))}
                />
              </div>
            )
          })}
        {layout.seats > 0 && (
          <>
            {latest !== null && store.chosen.has(latest) && <SectionView layout={layout} unit={latest} />}
            <details className="picker-list" open={listed} onToggle={(e) => setListed(e.currentTarget.open)}>
              <summary>
                <Icon name="list" size={20} />
                {t('seats.as_list')}
              </summary>
              {listed && (
                <SeatList
                  store={store}
                  hidden={hidden}
                  onToggle={toggle}
                  onSection={(name) => {
                    const section = layout.sections.find((s) => s.name === name)
                    if (section) camera.current?.show(section)
                  }}
                />
              )}
            </details>
          </>
        )}
        <p className="sr" role="status">
          {announcement}
        </p>
        <div className="picker-foot">
          {error !== null && <Notice tone="bad" title={text(error)} live />}
          {orphaned.length > 0 && <p className="small picker-warning">{t('seats.orphan')}</p>}
          {seats.length > 0 && (
            <ul className="picker-chosen" aria-label={t('seats.chosen_list')}>
              {seats.map((unit) => (
                <li key={unit}>
                  <button type="button" className="chip picker-chip" onClick={() => toggle(unit)}>
                    {t('seats.short', unitLabel(layout, unit))}
                    <span className="chip-count tabular">{money(layout.types[layout.type[unit]!]!.price)}</span>
                    <Icon name="close" size={15} />
                    <span className="sr">{t('seats.remove')}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
          <div className="picker-go">
            {held ? <Timer deadline={held.expiresAt} onOver={() => dispatch({ type: 'expired' })} /> : null}
            <div className={`picker-total ${count === 0 ? 'picker-total-none' : ''}`}>
              <strong className="tabular">{count === 0 ? t('seats.none') : money(total)}</strong>
              <span className="small muted">
                {count === 0 ? t('event.max', { count: max }) : t('cart.count', { count })}
              </span>
            </div>
            <button
              type="button"
              className="button button-light"
              disabled={busy || (count === 0 && !needsPass) || needsPass}
              onClick={() => void submit()}
            >
              {busy ? <span className="spinner" /> : session ? t('seats.go_on') : t('seats.sign_in_go_on')}
            </button>
          </div>
        </div>
      </div>
    </div>
  )
}

/** A selection made before signing in, restored afterwards. */
interface Choice {
  units: string[]
  standing: Record<string, number>
}

const choiceKey = (event: string) => `foyer.choice.${event}`

function storedChoice(event: string): Choice | null {
  const stored = sessionStorage.getItem(choiceKey(event))
  return stored ? (JSON.parse(stored) as Choice) : null
}

/** The number of each unseated type that the account holds, or selected before signing in. */
function initialGeneralAdmission(event: string, layout: SeatLayout): Record<string, number> {
  const cart = currentCart()
  if (cart.kind === 'held' && cart.event === event) return countGeneralAdmission(layout, cart.units)
  return storedChoice(event)?.standing ?? {}
}

function toggleShownType(layout: SeatLayout, now: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const all = layout.types.filter((type) => type?.seated).map((type) => type.id)
  const shown = new Set(now.size === 0 ? [] : all.filter((other) => !now.has(other)))
  if (!shown.delete(id)) shown.add(id)
  return shown.size === 0 || shown.size === all.length ? new Set() : new Set(all.filter((other) => !shown.has(other)))
}

function countGeneralAdmission(layout: SeatLayout, units: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const id of units) {
    const unit = layout.index.get(id)
    const type = unit === undefined ? undefined : layout.types[layout.type[unit]!]
    if (type && !type.seated) counts[type.id] = (counts[type.id] ?? 0) + 1
  }
  return counts
}

/** How many seats of each type are available. */
function countAvailable({ layout, states }: SeatStore): Map<string, number> {
  const counts = new Uint32Array(layout.types.length)
  for (let i = 0; i < layout.seats; i++) if (states[i] === 'a') counts[layout.type[i]!]!++
  return new Map(layout.types.map((type, i) => [type?.id ?? '', counts[i]!]))
}

/** General admission units are interchangeable: own ones first, then free ones from a random start, so that buyers rarely collide. */
function generalAdmissionUnits(store: SeatStore, wanted: Record<string, number>): string[] {
  const units: string[] = []
  for (const [type, n] of Object.entries(wanted)) {
    const all = store.layout.generalAdmission.get(type) ?? []
    const own = all.filter((unit) => store.mine.has(unit))
    const free = all.filter((unit) => store.states[unit] === 'a')
    const start = Math.floor(Math.random() * Math.max(1, free.length - n))
    units.push(
      ...[...own, ...free.slice(start), ...free.slice(0, start)].slice(0, n).map((unit) => store.layout.ids[unit]!),
    )
  }
  return units
}

function BestSeats({
  layout,
  store,
  max,
  busy,
  onBest,
}: {
  layout: SeatLayout
  store: SeatStore
  max: number
  busy: boolean
  onBest: (type: string, quantity: number) => void
}) {
  const t = useText()
  const [quantity, setQuantity] = useState(Math.min(2, max))
  const seated = layout.types.filter((type) => type?.seated)
  const left = countAvailable(store)
  const offered = seated.filter((type) => (left.get(type.id) ?? 0) >= quantity)
  const [type, setType] = useState('')
  const chosen = offered.find((o) => o.id === type) ?? offered[0]
  return (
    <div className="picker-best">
      <div className="cluster between">
        <strong>{t('seats.best')}</strong>
        <Stepper label={t('seats.how_many')} value={quantity} max={max} onChange={(n) => setQuantity(Math.max(1, n))} />
      </div>
      <div className="picker-best-row">
        <label className="sr" htmlFor="best-type">
          {t('seats.prices')}
        </label>
        <select id="best-type" className="input" value={chosen?.id ?? ''} onChange={(e) => setType(e.target.value)}>
          {offered.length === 0 && <option value="">{t('event.sold_out')}</option>}
          {offered.map((o) => (
            <option key={o.id} value={o.id}>
              {o.name} · {money(o.price)}
            </option>
          ))}
        </select>
        <button
          type="button"
          className="button"
          disabled={busy || !chosen}
          onClick={() => chosen && onBest(chosen.id, quantity)}
        >
          <Icon name="spark" size={20} />
          {t('seats.find')}
        </button>
      </div>
    </div>
  )
}

function Legend() {
  const t = useText()
  return (
    <ul className="map-legend">
      <li>
        <svg viewBox="0 0 20 20">
          <circle cx="10" cy="10" r="7" fill="var(--kind-1)" />
        </svg>
        {t('seats.free')}
      </li>
      <li>
        <svg viewBox="0 0 20 20">
          <rect
            x="2"
            y="2"
            width="16"
            height="16"
            rx="4"
            fill="var(--light)"
            stroke="var(--on-light)"
            strokeWidth="1.500"
          />
          <path d="M6 10l3 3 5-6" fill="none" stroke="var(--on-light)" strokeWidth="2" />
        </svg>
        {t('seats.chosen')}
      </li>
      <li>
        <svg viewBox="0 0 20 20">
          <circle cx="10" cy="10" r="6" fill="none" stroke="var(--line-strong)" strokeWidth="2.500" />
        </svg>
        {t('seats.held')}
      </li>
      <li>
        <svg viewBox="0 0 20 20">
          <path d="M6 6l8 8M14 6l-8 8" stroke="var(--line-strong)" strokeWidth="2.500" />
        </svg>
        {t('seats.booked')}
      </li>
      <li>
        <svg viewBox="0 0 20 20">
          <rect x="3" y="3" width="14" height="14" rx="2" fill="var(--kind-1)" />
        </svg>
        {t('seats.accessible')}
      </li>
    </ul>
  )
}
