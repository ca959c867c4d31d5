import { memo, useMemo, useRef, useSyncExternalStore } from 'react'
import { useCamera, type CameraHandle } from './camera'
import { nearest, buildGrid } from './grid'
import type { Area } from './layout'
import { areaFontSize, typeColor, seatAppearance, type SeatAppearance } from './appearance'
import type { SeatStore } from './store'

export interface MapProps {
  store: SeatStore
  hidden: ReadonlySet<string>
  onTap: (unit: number) => void
  cameraRef: React.RefObject<CameraHandle | null>
}

/** For up to two thousand seats: one SVG element per seat. */
export default function SvgMap({ store, hidden, onTap, cameraRef }: MapProps) {
  const box = useRef<HTMLDivElement>(null)
  const world = useRef<SVGGElement>(null)
  useSyncExternalStore(store.subscribe, store.snapshot)
  const { layout } = store
  const index = useMemo(() => buildGrid(layout), [layout])
  useCamera(
    box,
    cameraRef,
    layout.extent,
    layout.pitch,
    (c) => world.current?.setAttribute('transform', `matrix(${c.k} 0 0 ${c.k} ${c.dx} ${c.dy})`),
    (x, y, { camera, show }) => {
      const unit = nearest(layout, index, x, y, Math.max(layout.pitch * 0.62, 16 / camera.k))
      if (unit === null) return
      // The seats are too small to tap: zoom to the section instead.
      if (layout.pitch * camera.k < 13) {
        const section = layout.sections.find((s) => s.name === layout.section[unit])
        if (section) return show(section)
      }
      onTap(unit)
    },
  )
  const r = layout.pitch * 0.4
  return (
    <div ref={box} className="map-box">
      <svg width="100%" height="100%" aria-hidden="true">
        <g ref={world}>
          {layout.areas.map((area, i) => (
            <AreaMark key={i} area={area} pitch={layout.pitch} />
          ))}
          {layout.sections.map((s) => (
            <text
              key={s.name}
              x={s.x}
              y={s.label}
              textAnchor="middle"
              fontSize={layout.pitch * 0.9}
              className="map-label"
            >
              {s.name}
            </text>
          ))}
          {layout.ids.slice(0, layout.seats).map((id, i) => (
            <SeatMark
              key={id}
              x={layout.x[i]!}
              y={layout.y[i]!}
              r={r}
              appearance={seatAppearance(store, i, hidden)}
              type={layout.type[i]!}
              kind={layout.kind[i]!}
            />
          ))}
        </g>
      </svg>
    </div>
  )
}

const AreaMark = memo(function AreaMark({ area, pitch }: { area: Area; pitch: number }) {
  const { x, y, width, height, text } = area
  return (
    <g className={area.kind === 'stage' ? 'map-stage' : 'map-area'}>
      {area.shape === 'ellipse' && <ellipse cx={x + width / 2} cy={y + height / 2} rx={width / 2} ry={height / 2} />}
      {area.shape === 'polygon' && <polygon points={area.points?.join(' ')} />}
      {area.shape === 'rectangle' && (
        <rect x={x} y={y} width={width} height={height} rx={Math.min(width, height) * 0.12} />
      )}
      {text && (
        <text
          x={x + width / 2}
          y={y + height / 2}
          fontSize={areaFontSize(area, pitch)}
          textAnchor="middle"
          dominantBaseline="central"
        >
          {text}
        </text>
      )}
    </g>
  )
})

const SeatMark = memo(function SeatMark({
  x,
  y,
  r,
  appearance,
  type,
  kind,
}: {
  x: number
  y: number
  r: number
  appearance: SeatAppearance
  type: number
  kind: string
}) {
  if (appearance === 'chosen')
    return (
      <g className="seat-chosen">
        <rect x={x - r * 1.25} y={y - r * 1.25} width={r * 2.5} height={r * 2.5} rx={r * 0.55} />
        <path d={`M${x - r * 0.6} ${y} l${r * 0.45} ${r * 0.5} l${r * 0.8} ${-r}`} strokeWidth={r * 0.32} />
      </g>
    )
  if (appearance === 'held') return <circle cx={x} cy={y} r={r * 0.8} className="seat-held" strokeWidth={r * 0.35} />
  if (appearance === 'booked') {
    const d = r * 0.42
    return (
      <path
        d={`M${x - d} ${y - d} L${x + d} ${y + d} M${x + d} ${y - d} L${x - d} ${y + d}`}
        className="seat-booked"
        strokeWidth={r * 0.3}
      />
    )
  }
  const paint = appearance === 'off' ? { className: 'seat-off' } : { fill: typeColor(type) }
  if (kind === 'wheelchair' || kind === 'companion')
    return <rect x={x - r} y={y - r} width={r * 2} height={r * 2} rx={r * 0.3} {...paint} />
  return <circle cx={x} cy={y} r={appearance === 'off' ? r * 0.6 : r} {...paint} />
})
