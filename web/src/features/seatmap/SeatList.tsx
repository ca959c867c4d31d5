import { useState, useSyncExternalStore } from 'react'
import { money, number } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { typeColor, seatAppearance } from './appearance'
import type { SeatStore } from './store'

/** The layout as sections, rows and seats: all that the map can do, for keyboards and screen readers. */
export function SeatList({
  store,
  hidden,
  onToggle,
  onSection,
}: {
  store: SeatStore
  hidden: ReadonlySet<string>
  onToggle: (unit: number) => void
  onSection: (name: string) => void
}) {
  const t = useText()
  useSyncExternalStore(store.subscribe, store.snapshot)
  const { layout } = store
  const [open, setOpen] = useState('')
  const section = layout.sections.find((s) => s.name === open)
  const free = (units: number[]) =>
    units.reduce((n, unit) => n + (seatAppearance(store, unit, hidden) === 'free' ? 1 : 0), 0)
  return (
    <div className="seat-list">
      <div className="field">
        <label htmlFor="section">{t('seats.section')}</label>
        <select
          id="section"
          className="input"
          value={open}
          onChange={(e) => {
            setOpen(e.target.value)
            if (e.target.value) onSection(e.target.value)
          }}
        >
          <option value="">{t('seats.choose_section')}</option>
          {layout.sections.map((s) => {
            const n = s.rows.reduce((sum, row) => sum + free(row.units), 0)
            return (
              <option key={s.name} value={s.name} disabled={n === 0}>
                {s.name} · {t('event.left', { count: n, n: number(n) })}
              </option>
            )
          })}
        </select>
      </div>
      {section?.rows.map((row) => (
        <fieldset key={row.name} className="seat-row">
          <legend>{t('seats.row', { row: row.name })}</legend>
          <div className="seat-buttons">
            {row.units.map((unit) => {
              const what = seatAppearance(store, unit, hidden)
              const type = layout.types[layout.type[unit]!]
              const kind = layout.kind[unit]!
              return (
                <button
                  key={unit}
                  type="button"
                  className={`seat-button seat-button-${what}`}
                  style={{ '--kind': typeColor(layout.type[unit]!) } as React.CSSProperties}
                  aria-pressed={what === 'chosen'}
                  disabled={what === 'held' || what === 'booked' || what === 'off'}
                  aria-label={t('seats.seat_label', {
                    row: row.name,
                    seat: layout.number[unit],
                    type: type?.name ?? '',
                    price: type ? money(type.price) : '',
                    kind:
                      kind === 'wheelchair' ? t('seats.wheelchair') : kind === 'companion' ? t('seats.companion') : '',
                    state: t(`seats.${what === 'off' ? 'booked' : what}`),
                  })}
                  onClick={() => onToggle(unit)}
                >
                  {layout.number[unit]}
                </button>
              )
            })}
          </div>
        </fieldset>
      ))}
    </div>
  )
}
