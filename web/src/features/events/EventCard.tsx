import { Link } from '@tanstack/react-router'
import { Poster } from '../../components/Poster'
import { money } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { splitHighlight, whenShort, whereShort, type Hit } from '../../listing/hit'

function AvailabilityTag({ hit }: { hit: Hit }) {
  const t = useText()
  if (!hit.availability) return null
  if (hit.availability.status === 'sold_out') return <span className="tag">{t('event.sold_out')}</span>
  if (hit.availability.status === 'few') return <span className="tag tag-warn">{t('event.few_left')}</span>
  return null
}

function Price({ hit }: { hit: Hit }) {
  const t = useText()
  if (!hit.priceFrom) return null
  return (
    <span className="small">
      {hit.priceFrom.amount === 0 ? t('event.free') : t('event.from', { price: money(hit.priceFrom) })}
    </span>
  )
}

export function EventCard({ hit }: { hit: Hit }) {
  const t = useText()
  return (
    <Link to="/events/$id" params={{ id: hit.id }} className="event-card">
      <Poster id={hit.id} category={hit.category} image={hit.image} />
      <div className="stack-s">
        <span className="event-card-when">{whenShort(hit)}</span>
        <h3 dir="auto">{hit.name}</h3>
        <span className="event-card-where">{whereShort(hit, t('event.online'))}</span>
        <span className="cluster">
          <Price hit={hit} />
          <AvailabilityTag hit={hit} />
        </span>
      </div>
    </Link>
  )
}

/** Escaped text with the words found in <mark>. */
function Highlighted({ text }: { text: string }) {
  return splitHighlight(text).map((part, i) => (i % 2 ? <mark key={i}>{part}</mark> : part))
}

export function EventRow({ hit }: { hit: Hit }) {
  const t = useText()
  return (
    <Link to="/events/$id" params={{ id: hit.id }} className="event-row">
      <Poster id={hit.id} category={hit.category} image={hit.image} />
      <div className="stack-s">
        <span className="small strong">{whenShort(hit)}</span>
        <h2 dir="auto">{hit.highlight ? <Highlighted text={hit.highlight} /> : hit.name}</h2>
        <span className="small muted">{whereShort(hit, t('event.online'))}</span>
      </div>
      <span className="event-row-side">
        <AvailabilityTag hit={hit} />
        <Price hit={hit} />
      </span>
    </Link>
  )
}
