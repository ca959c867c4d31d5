import { Link } from '@tanstack/react-router'
import { Poster } from '../../components/Poster'
import { day, dayRange, money, place, time } from '../../i18n/format'
import { useText } from '../../i18n/text'
import type { Hit } from './query'

const DAY = 86_400_000
export const severalDays = (e: { startsAt: string; endsAt: string }) =>
  Date.parse(e.endsAt) - Date.parse(e.startsAt) > DAY

export function whenShort(e: Hit): string {
  if (severalDays(e)) return dayRange(e.startsAt, e.endsAt, e.timeZone)
  return `${day(e.startsAt, e.timeZone)} · ${time(e.startsAt, e.timeZone)}`
}

export function Left({ hit }: { hit: Hit }) {
  const t = useText()
  if (!hit.availability) return null
  if (hit.availability.status === 'sold_out') return <span className="tag">{t('event.sold_out')}</span>
  if (hit.availability.status === 'few') return <span className="tag tag-warn">{t('event.few_left')}</span>
  return null
}

export function Price({ hit }: { hit: Hit }) {
  const t = useText()
  if (!hit.priceFrom) return null
  return (
    <span className="small">
      {hit.priceFrom.amount === 0 ? t('event.free') : t('event.from', { price: money(hit.priceFrom) })}
    </span>
  )
}

export function whereShort(hit: Hit, online: string): string {
  if (!hit.venue.city) return hit.online ? online : hit.venue.name
  return hit.venue.name && hit.venue.name !== hit.venue.city && hit.venue.name !== hit.name
    ? `${hit.venue.name}, ${hit.venue.city}`
    : place(hit.venue)
}

export function EventCard({ hit }: { hit: Hit }) {
  const t = useText()
  return (
    <Link to="/events/$id" params={{ id: hit.id }} className="event-card">
      <Poster id={hit.id} category={hit.category} image={hit.image} />
      <div className="stack-s">
        <span className="when">{whenShort(hit)}</span>
        <h3 dir="auto">{hit.name}</h3>
        <span className="where">{whereShort(hit, t('event.online'))}</span>
        <span className="row">
          <Price hit={hit} />
          <Left hit={hit} />
        </span>
      </div>
    </Link>
  )
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'" }
const plain = (html: string) => html.replace(/&(amp|lt|gt|quot|#34|#39);/g, (_, name: string) => entities[name]!)

/** Escaped text with the words found in <mark>. */
function Marked({ text }: { text: string }) {
  return text.split(/<\/?mark>/).map((part, i) => (i % 2 ? <mark key={i}>{plain(part)}</mark> : plain(part)))
}

export function EventRow({ hit }: { hit: Hit }) {
  const t = useText()
  return (
    <Link to="/events/$id" params={{ id: hit.id }} className="event-row">
      <Poster id={hit.id} category={hit.category} image={hit.image} />
      <div className="stack-s">
        <span className="small" style={{ fontWeight: 600 }}>
          {whenShort(hit)}
        </span>
        <h2 dir="auto">{hit.highlight ? <Marked text={hit.highlight} /> : hit.name}</h2>
        <span className="small muted">{whereShort(hit, t('event.online'))}</span>
      </div>
      <span className="side">
        <Left hit={hit} />
        <Price hit={hit} />
      </span>
    </Link>
  )
}
