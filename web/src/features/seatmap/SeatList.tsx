import { useState, useSyncExternalStore } from 'react'
import { money, number } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { kindColor, look } from './paint'
import type { SeatStore } from './store'

/** The same house as sections, rows and seats: all that the map can do, with keys and by ear. */
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
  const { house } = store
  const [open, setOpen] = useState('')
  const section = house.sections.find((s) => s.name === open)
  const free = (units: number[]) => units.reduce((n, unit) => n + (look(store, unit, hidden) === 'free' ? 1 : 0), 0)
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
          {house.sections.map((s) => {
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
              const what = look(store, unit, hidden)
              const type = house.types[house.type[unit]!]
              const kind = house.kind[unit]!
              return (
                <button
                  key={unit}
                  type="button"
                  className={`seat-button seat-button-${what}`}
                  style={{ '--kind': kindColor(house.type[unit]!) } as React.CSSProperties}
                  aria-pressed={what === 'chosen'}
                  disabled={what === 'held' || what === 'booked' || what === 'off'}
                  aria-label={t('seats.seat_label', {
                    row: row.name,
                    seat: house.number[unit],
                    type: type?.name ?? '',
                    price: type ? money(type.price) : '',
                    kind:
                      kind === 'wheelchair' ? t('seats.wheelchair') : kind === 'companion' ? t('seats.companion') : '',
                    state: t(`seats.${what === 'off' ? 'booked' : what}`),
                  })}
                  onClick={() => onToggle(unit)}
                >
                  {house.number[unit]}
                </button>
              )
            })}
          </div>
        </fieldset>
      ))}
    </div>
  )
}
