import { useText } from '../../i18n/text'
import type { Hit } from '../../listing/hit'

/** The results' cities on a map; a circle grows with the number of events. No map server learns the search. */
export default function ResultMap({ hits, onCity }: { hits: Hit[]; onCity: (city: string) => void }) {
  const t = useText()
  const cities = new Map<string, { lat: number; lon: number; count: number }>()
  for (const hit of hits) {
    const at = hit.venue.location
    if (!at || !hit.venue.city) continue
    const known = cities.get(hit.venue.city)
    if (known) known.count++
    else cities.set(hit.venue.city, { ...at, count: 1 })
  }
  if (cities.size === 0) return <p className="muted">{t('search.no_places')}</p>
  const all = [...cities.entries()].sort((a, b) => b[1].count - a[1].count)
  const mercator = (lat: number) => (Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) * 180) / Math.PI
  const xs = all.map(([, c]) => c.lon)
  const ys = all.map(([, c]) => mercator(c.lat))
  const width = 800
  const height = 420
  const span = Math.max(
    (Math.max(...xs) - Math.min(...xs)) / (width - 160),
    (Math.max(...ys) - Math.min(...ys)) / (height - 100),
    0.005,
  )
  const midX = (Math.max(...xs) + Math.min(...xs)) / 2
  const midY = (Math.max(...ys) + Math.min(...ys)) / 2
  const taken: { x: number; y: number }[] = []
  return (
    <div className="search-map">
      <svg viewBox={`0 0 ${width} ${height}`} role="group" aria-label={t('search.map')}>
        {Array.from({ length: 19 }, (_, i) => (
          <path key={i} d={`M${i * 45} 0V${height}M0 ${i * 45}H${width}`} stroke="var(--line)" strokeWidth="0.600" />
        ))}
        {all.map(([city, c]) => {
          const x = width / 2 + (c.lon - midX) / span
          const y = height / 2 - (mercator(c.lat) - midY) / span
          const free = taken.every((other) => Math.abs(other.x - x) > 70 || Math.abs(other.y - y) > 15)
          if (free) taken.push({ x, y })
          const r = 5 + Math.sqrt(c.count) * 3.5
          const act = () => onCity(city)
          return (
            <g
              key={city}
              className="search-map-city"
              role="button"
              tabIndex={0}
              aria-label={`${city}: ${t('search.total', { count: c.count })}`}
              onClick={act}
              onKeyDown={(e) => (e.key === 'Enter' || e.key === ' ') && act()}
            >
              <circle cx={x} cy={y} r={r * 2} fill="var(--light)" opacity="0.250" />
              <circle cx={x} cy={y} r={r} fill="var(--light)" stroke="var(--ink)" strokeWidth="1.500" />
              {free && (
                <text x={x + r + 5} y={y + 4}>
                  {city}
                </text>
              )}
            </g>
          )
        })}
      </svg>
    </div>
  )
}
