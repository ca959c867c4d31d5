import { useText } from '../../i18n/text'
import type { SeatLayout } from './layout'

/** An approximate view of the stage from a seat: size by distance, slant by angle. */
export function SectionView({ layout, unit }: { layout: SeatLayout; unit: number }) {
  const t = useText()
  const dx = (layout.x[unit]! - layout.stage.x) / layout.pitch
  const dy = (layout.y[unit]! - layout.stage.y) / layout.pitch
  const distance = Math.max(3, Math.hypot(dx, dy))
  const front = Math.abs(layout.stage.y - (layout.bounds.top + layout.bounds.bottom) / 2) > layout.pitch * 4
  const side = front ? Math.max(-1, Math.min(1, dx / Math.max(4, Math.abs(dy)))) : 0
  const size = Math.min(1, 7 / (distance + 2) + 0.16)
  const w = 210 * size
  const h = 84 * size
  const skew = side * h * 0.45
  const y = 70 - h / 2
  const x = 150
  return (
    <figure className="seat-view">
      <svg viewBox="0 0 300 150" role="img" aria-label={t('seats.view_alt', { distance: Math.round(distance) })}>
        <rect width="300" height="150" fill="var(--view-hall)" />
        <path
          d={`M${x - w / 2} ${y - Math.min(0, skew)} L${x + w / 2} ${y + Math.max(0, skew)} V${y + h - Math.max(0, skew) * 0.4} L${x - w / 2} ${y + h + Math.min(0, skew) * 0.4}Z`}
          fill="var(--view-stage)"
        />
        {[0.2, 0.5, 0.8].map((p) => (
          <path
            key={p}
            d={`M${x - w / 2 + w * p} ${y} l${-w * 0.13} ${h} h${w * 0.26}Z`}
            fill="var(--light)"
            opacity="0.550"
          />
        ))}
        <rect x={x - w / 2} y={y + h - 4 * size} width={w} height={7 * size} fill="var(--light)" />
        {[-0.25, 0.02, 0.28].map((p) => (
          <g key={p} transform={`translate(${x + w * p} ${y + h - 26 * size}) scale(${size})`} fill="var(--view-hall)">
            <circle r="5" />
            <rect x="-4" y="5" width="8" height="18" rx="3" />
          </g>
        ))}
        {Array.from({ length: 3 }, (_, i) => {
          const rows = Math.min(3, Math.round(distance / 6))
          if (i >= rows) return null
          const s = 5 + i * 4
          return Array.from({ length: 26 - i * 6 }, (_, j) => (
            <circle
              key={`${i}-${j}`}
              cx={(j + 0.5) * (300 / (26 - i * 6))}
              cy={118 + i * 14}
              r={s * 0.8}
              fill="var(--view-seat)"
            />
          ))
        })}
      </svg>
      <figcaption className="small muted">{t('seats.view')}</figcaption>
    </figure>
  )
}
