import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { api, unwrap, type Event } from '../../api/client'
import { asProblem } from '../../api/problem'
import { Icon } from '../../components/Icon'
import { Door, Empty, Failure, Loading, Notice } from '../../components/ui'
import { dayTime, money, number } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { useCountdown, useStream } from '../../live/hooks'
import { clockFace } from '../../live/timer'
import { forgetPlace, storePass, storedPass, storedPlace, type Pass } from './pass'
import { Timer } from '../../components/Timer'
import { eventQuery } from '../events/query'
import { RequireSession } from '../session/RequireSession'
import { advance, etaRange, type Place, type Tick } from './position'
import { placeQuery } from './query'
import './queue.css'

const route = getRouteApi('/events/$id/queue')

export function QueuePage() {
  const { id } = route.useParams()
  return <RequireSession>{() => <Queue id={id} />}</RequireSession>
}

function Queue({ id }: { id: string }) {
  const t = useText()
  const queries = useQueryClient()
  const event = useQuery({ ...eventQuery(id), refetchInterval: 20_000 })
  const path = { event: id }
  const [pass, setPass] = useState<Pass | null>(() => storedPass(id))
  const place = useQuery({
    ...placeQuery(id),
    refetchInterval: 60_000,
    refetchOnWindowFocus: 'always',
    refetchOnReconnect: 'always',
    enabled: event.isSuccess,
  })
  useStream(place.data ? `/api/v1/events/${id}/queue/stream` : null, (e) => {
    if (e.event !== 'tick') return
    const tick = JSON.parse(e.data) as Tick
    const now = queries.getQueryData(placeQuery(id).queryKey)
    if (!now) return
    const next = advance(now, tick)
    if (next === null) void queries.invalidateQueries(placeQuery(id))
    else queries.setQueryData(placeQuery(id).queryKey, next)
  })
  const claim = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/v1/events/{event}/queue/admission', {
          params: { path, header: { 'Queue-Place': place.data?.place ?? storedPlace(id) } },
        }),
      ),
    onSuccess: (given) => {
      storePass(id, given)
      setPass(given)
    },
    onError: () => void queries.invalidateQueries(placeQuery(id)),
  })
  const state = pass ? 'admitted' : place.data?.state
  const mutate = claim.mutate
  useEffect(() => {
    if (state === 'your_turn' || (state === 'admitted' && !pass)) mutate()
  }, [state, pass, mutate])

  const leave = useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/v1/events/{event}/queue', { params: { path } })),
    onSuccess: () => {
      forgetPlace(id)
      history.back()
    },
  })
  useTurnAlert(state === 'admitted' || state === 'your_turn', t('queue.title_turn'))

  if (event.isPending) return <Loading />
  if (event.isError)
    return (
      <div className="page page-narrow">
        <Failure error={event.error} retry={() => void event.refetch()} />
      </div>
    )
  return (
    <div className="queue always-dark">
      <div className="queue-card">
        <h1 className="queue-event" dir="auto">
          {event.data.name}
        </h1>
        {state === 'admitted' && pass ? (
          <YourTurn
            event={event.data}
            pass={pass}
            onOver={() => {
              setPass(null)
              void place.refetch()
            }}
          />
        ) : place.isError ? (
          asProblem(place.error).status === 404 || asProblem(place.error).status === 409 ? (
            <Empty
              title={t('queue.none')}
              action={
                <Link to="/events/$id/tickets" params={{ id }} className="button button-light">
                  {t('event.get_tickets')}
                </Link>
              }
            />
          ) : (
            <Failure error={place.error} retry={() => void place.refetch()} />
          )
        ) : place.data ? (
          <QueuePosition place={place.data} event={event.data} onRejoin={() => void place.refetch()} />
        ) : (
          <div className="queue-wait" role="status">
            <span className="spinner" />
            {t('queue.joining')}
          </div>
        )}
        {place.data && state !== 'admitted' && (
          <>
            <RemainingTickets event={event.data} />
            <div className="cluster between">
              <SoundToggle />
              <button
                type="button"
                className="button button-quiet button-small"
                disabled={leave.isPending}
                onClick={() => leave.mutate()}
              >
                {t('queue.leave')}
              </button>
            </div>
            <p className="small queue-note">{t('queue.promise')}</p>
          </>
        )}
      </div>
    </div>
  )
}

function QueuePosition({ place, event, onRejoin }: { place: Place; event: Event; onRejoin: () => void }) {
  const t = useText()
  const [first, setFirst] = useState(place.position)
  if (place.position > first) setFirst(place.position)
  const eta = etaRange(place.etaSeconds)
  switch (place.state) {
    case 'lobby':
      return <Lobby opensAt={place.opensAt} event={event} />
    case 'your_turn':
    case 'admitted':
      return (
        <div className="queue-wait" role="status">
          <span className="spinner" />
          {t('queue.opening_door')}
        </div>
      )
    case 'missed':
      return (
        <Empty
          title={t('queue.missed')}
          action={
            <button type="button" className="button button-light" onClick={onRejoin}>
              {t('queue.rejoin')}
            </button>
          }
        >
          {t('queue.missed_text')}
        </Empty>
      )
    case 'closed':
      return <Empty title={t('queue.closed')} />
  }
  const done = first > 0 ? 1 - place.position / first : 0
  return (
    <div className="stack">
      <div role="status" aria-atomic="true">
        <p className="queue-label">{place.state === 'sold_out' ? t('queue.on_list') : t('queue.your_position')}</p>
        <p className="queue-position tabular">{number(place.position)}</p>
        <p>{t('queue.ahead', { count: place.ahead })}</p>
      </div>
      <div className="queue-path" aria-hidden="true">
        <div style={{ inlineSize: `${Math.max(2, done * 100)}%` }} />
        <Door />
      </div>
      {place.state === 'paused' ? (
        <Notice tone="warn" title={t('queue.paused')} />
      ) : place.state === 'sold_out' ? (
        <Notice title={t('queue.sold_out')}>{t('queue.sold_out_text')}</Notice>
      ) : (
        <p className="queue-eta">{eta ? t('queue.eta', eta) : t('queue.eta_unknown')}</p>
      )}
    </div>
  )
}

function Lobby({ opensAt, event }: { opensAt?: string; event: Event }) {
  const t = useText()
  const { seconds, phase } = useCountdown(opensAt)
  return (
    <div className="stack" role="group" aria-label={t('queue.lobby')}>
      <p className="queue-label">{t('queue.lobby')}</p>
      {opensAt && seconds < 86_400 ? (
        <p className="queue-position tabular" role="timer">
          {phase === 'over'
            ? '0:00'
            : seconds >= 3600
              ? `${Math.floor(seconds / 3600)}:${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
              : clockFace(seconds)}
        </p>
      ) : (
        <p className="queue-eta">{dayTime(opensAt ?? event.salesStart)}</p>
      )}
      <p>{t('queue.lobby_text')}</p>
    </div>
  )
}

function YourTurn({ event, pass, onOver }: { event: Event; pass: Pass; onOver: () => void }) {
  const t = useText()
  return (
    <div className="stack">
      <div role="alert">
        <p className="queue-position queue-turn">{t('queue.turn')}</p>
      </div>
      <p className="cluster">
        {t('queue.turn_time')} <Timer deadline={pass.expiresAt} total={600} onOver={onOver} />
      </p>
      <Link to="/events/$id/tickets" params={{ id: event.id }} className="button button-light">
        {t('event.choose_seats')}
      </Link>
    </div>
  )
}

/** The remaining tickets, to decide whether to wait. */
function RemainingTickets({ event }: { event: Event }) {
  const t = useText()
  return (
    <div className="queue-still">
      <p className="queue-label">{t('queue.still')}</p>
      <p>
        <strong className="tabular">
          {t('event.left', { count: event.availability.available, n: number(event.availability.available) })}
        </strong>
      </p>
      <ul>
        {event.ticketTypes.map((type) => (
          <li key={type.id}>
            <span>{type.name}</span>
            <span className="tabular">{money(type.price)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Opt-in: browsers allow sound only after a gesture. */
function SoundToggle() {
  const t = useText()
  const [on, setOn] = useState(Boolean(audio))
  return (
    <button
      type="button"
      className="chip queue-chip"
      aria-pressed={on}
      onClick={() => {
        if (on) {
          void audio?.close()
          audio = null
        } else {
          audio = new AudioContext()
          chime()
        }
        setOn(!on)
      }}
    >
      <Icon name="bell" size={18} />
      {t('queue.sound')}
    </button>
  )
}

let audio: AudioContext | null = null

/** Plays three rising notes. */
function chime() {
  if (!audio) return
  for (const [i, frequency] of [659.3, 880, 1318.5].entries()) {
    const tone = audio.createOscillator()
    const gain = audio.createGain()
    const at = audio.currentTime + i * 0.22
    tone.frequency.value = frequency
    gain.gain.setValueAtTime(0.0001, at)
    gain.gain.exponentialRampToValueAtTime(0.25, at + 0.02)
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.9)
    tone.connect(gain).connect(audio.destination)
    tone.start(at)
    tone.stop(at + 1)
  }
}

/** Alternates the tab's title during the turn while the tab is hidden. */
function useTurnAlert(turn: boolean, title: string) {
  useEffect(() => {
    if (!turn) return
    chime()
    const before = document.title
    let lit = false
    const timer = setInterval(() => {
      lit = !lit
      document.title = lit || document.visibilityState === 'visible' ? title : before
    }, 1_000)
    document.title = title
    return () => {
      clearInterval(timer)
      document.title = before
    }
  }, [turn, title])
}
