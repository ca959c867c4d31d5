import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { api, unwrap } from '../../api/client'
import { Icon } from '../../components/Icon'
import { useTitle } from '../../components/title'
import { Skeleton, Failure, Field, Notice } from '../../components/ui'
import { number } from '../../i18n/format'
import {
  addArea,
  addBlock,
  completePlan,
  countSeats,
  emptyPlan,
  isSeatingPlan,
  zoneFrame,
  moveZone,
  removeZone,
  setCategory,
  type Plan,
  type Point,
} from './plan'
import { seatingPlanQuery, venueQuery, venuesQuery } from './query'
import { useText } from '../../i18n/text'

export function PlanPage({ id }: { id: string }) {
  const venue = useQuery(venueQuery(id))
  const plan = useQuery({ ...seatingPlanQuery(id), staleTime: Infinity })
  useTitle(venue.data?.name)
  if (venue.isError) return <Failure error={venue.error} retry={() => void venue.refetch()} />
  if (plan.isError) return <Failure error={plan.error} retry={() => void plan.refetch()} />
  if (!venue.data || plan.data === undefined) return <Skeleton h="30rem" />
  return <Editor venue={venue.data} initial={plan.data ?? emptyPlan(venue.data.name)} />
}

function Editor({ venue, initial }: { venue: { id: string; name: string }; initial: Plan }) {
  const t = useText('office')
  const queries = useQueryClient()
  const [history, setHistory] = useState<Plan[]>([initial])
  const [selected, setSelected] = useState<number | null>(null)
  const [importRefused, setImportRefused] = useState(false)
  const plan = history[history.length - 1]!
  const change = (next: Plan) => setHistory((all) => [...all.slice(-50), next])
  const save = useMutation({
    mutationFn: (plan: Plan) =>
      unwrap(api.PUT('/api/v1/venues/{id}/seating-plan', { params: { path: { id: venue.id } }, body: plan })),
    onSuccess: (_, saved) => {
      queries.setQueryData(seatingPlanQuery(venue.id).queryKey, saved)
      void queries.invalidateQueries(venuesQuery)
    },
  })
  const zone = selected === null ? undefined : plan.zones[selected]

  const importFile = async (file: File) => {
    setImportRefused(false)
    try {
      const value: unknown = JSON.parse(await file.text())
      if (!isSeatingPlan(value)) throw new Error()
      change(completePlan(value))
      setSelected(null)
    } catch {
      setImportRefused(true)
    }
  }
  const download = () => {
    const url = URL.createObjectURL(new Blob([JSON.stringify(plan, null, 2)], { type: 'application/json' }))
    const link = document.createElement('a')
    link.href = url
    link.download = `${plan.name}.json`
    link.click()
    URL.revokeObjectURL(url)
  }

  return (
    <section className="stack">
      <div className="cluster between">
        <h1 dir="auto">{venue.name}</h1>
        <div className="cluster">
          <button
            type="button"
            className="icon-button"
            disabled={history.length < 2}
            onClick={() => setHistory((all) => all.slice(0, -1))}
            aria-label={t('plan.undo')}
          >
            <Icon name="undo" />
          </button>
          <label className="button button-small">
            <Icon name="upload" size={18} />
            {t('plan.import')}
            <input
              type="file"
              accept="application/json,.json"
              className="sr"
              onChange={(e) => e.target.files?.[0] && void importFile(e.target.files[0])}
            />
          </label>
          <button type="button" className="button button-small" onClick={download}>
            <Icon name="download" size={18} />
            {t('plan.export')}
          </button>
          <button
            type="button"
            className="button button-light button-small"
            disabled={save.isPending}
            onClick={() => save.mutate(plan)}
          >
            {save.isPending ? <span className="spinner" /> : t('plan.save')}
          </button>
        </div>
      </div>
      {importRefused && <Notice tone="bad" title={t('plan.not_a_plan')} live />}
      {save.isError && <Failure error={save.error} />}
      {save.isSuccess && save.variables === plan && (
        <Notice tone="good" title={t('plan.saved')} live>
          <div>
            <Link to="/merchant/events/new" className="button button-small">
              {t('events.new')}
            </Link>
          </div>
        </Notice>
      )}
      <p className="muted small" role="status">
        {t('plan.seats', { count: countSeats(plan), n: number(countSeats(plan)) })}
      </p>
      <div className="office-editor">
        <PlanCanvas
          plan={plan}
          selected={selected}
          onSelect={setSelected}
          onMove={(index, by) => change(moveZone(plan, index, by))}
        />
        <div className="stack">
          <AddBlock
            plan={plan}
            onAdd={(block) => {
              change(addBlock(plan, { ...block, at: nextFreePosition(plan) }))
              setSelected(plan.zones.length)
            }}
          />
          <button
            type="button"
            className="button"
            onClick={() =>
              change(
                addArea(plan, { name: t('plan.stage'), at: { x: plan.size.width / 2, y: 60 }, width: 360, height: 70 }),
              )
            }
          >
            {t('plan.add_stage')}
          </button>
          {zone && selected !== null && (
            <div className="office-type-row">
              <strong dir="auto">{zone.name}</strong>
              {zone.rows.length > 0 && (
                <Field id="zone-category" label={t('plan.category')}>
                  <input
                    id="zone-category"
                    key={`${selected}${zone.name}`}
                    className="input"
                    list="categories"
                    defaultValue={zone.rows[0]?.seats[0]?.category}
                    onBlur={(e) =>
                      e.target.value &&
                      e.target.value !== zone.rows[0]?.seats[0]?.category &&
                      change(setCategory(plan, selected, e.target.value))
                    }
                  />
                </Field>
              )}
              <p className="hint">{t('plan.move_hint')}</p>
              <button
                type="button"
                className="button button-bad button-small"
                onClick={() => {
                  change(removeZone(plan, selected))
                  setSelected(null)
                }}
              >
                <Icon name="trash" size={18} />
                {t('plan.remove')}
              </button>
            </div>
          )}
          <ul className="stack-s">
            {plan.zones.map((z, i) => (
              <li key={i}>
                <button type="button" className="chip" aria-pressed={selected === i} onClick={() => setSelected(i)}>
                  {z.name}
                  <span className="chip-count">{number(z.rows.reduce((n, r) => n + r.seats.length, 0))}</span>
                </button>
              </li>
            ))}
          </ul>
          <datalist id="categories">
            {plan.categories.map((c) => (
              <option key={c.name} value={c.name} />
            ))}
          </datalist>
        </div>
      </div>
    </section>
  )
}

/** The next free position: below all sections of the plan. */
function nextFreePosition(plan: Plan): Point {
  const bottom = Math.max(120, ...plan.zones.map((zone) => zoneFrame(zone).y + zoneFrame(zone).height))
  return { x: plan.size.width / 2, y: bottom + 120 }
}

function AddBlock({
  plan,
  onAdd,
}: {
  plan: Plan
  onAdd: (block: { name: string; rows: number; seats: number; category: string }) => void
}) {
  const t = useText('office')
  return (
    <form
      className="office-type-row"
      onSubmit={(e) => {
        e.preventDefault()
        const form = new FormData(e.currentTarget)
        onAdd({
          name: String(form.get('name')),
          rows: Number(form.get('rows')),
          seats: Number(form.get('seats')),
          category: String(form.get('category')),
        })
      }}
    >
      <strong>{t('plan.add_block')}</strong>
      <Field id="block-name" label={t('plan.name')}>
        <input
          id="block-name"
          name="name"
          className="input"
          required
          maxLength={60}
          defaultValue={t('plan.default_name')}
        />
      </Field>
      <div className="field-row">
        <Field id="block-rows" label={t('plan.rows')}>
          <input
            id="block-rows"
            name="rows"
            type="number"
            min={1}
            max={80}
            className="input"
            defaultValue={6}
            required
          />
        </Field>
        <Field id="block-seats" label={t('plan.per_row')}>
          <input
            id="block-seats"
            name="seats"
            type="number"
            min={1}
            max={120}
            className="input"
            defaultValue={12}
            required
          />
        </Field>
      </div>
      <Field id="block-category" label={t('plan.category')}>
        <input
          id="block-category"
          name="category"
          className="input"
          list="categories"
          required
          maxLength={60}
          defaultValue={plan.categories[0]?.name ?? 'A'}
        />
      </Field>
      <button type="submit" className="button">
        <Icon name="plus" size={20} />
        {t('plan.add')}
      </button>
    </form>
  )
}

function PlanCanvas({
  plan,
  selected,
  onSelect,
  onMove,
}: {
  plan: Plan
  selected: number | null
  onSelect: (index: number | null) => void
  onMove: (index: number, by: Point) => void
}) {
  const t = useText('office')
  const svg = useRef<SVGSVGElement>(null)
  const [drag, setDrag] = useState<{ index: number; from: Point; by: Point } | null>(null)
  const color = new Map(plan.categories.map((c) => [c.name, c.color]))
  const at = (e: React.PointerEvent): Point => {
    const matrix = svg.current!.getScreenCTM()!.inverse()
    const p = new DOMPoint(e.clientX, e.clientY).matrixTransform(matrix)
    return { x: p.x, y: p.y }
  }
  const snap = (n: number) => Math.round(n / 4) * 4
  return (
    <div className="office-editor-canvas">
      <svg
        ref={svg}
        viewBox={`-20 -20 ${plan.size.width + 40} ${plan.size.height + 40}`}
        style={{ aspectRatio: (plan.size.width + 40) / (plan.size.height + 40) }}
        role="group"
        aria-label={t('plan.title')}
        onPointerMove={(e) => {
          if (!drag) return
          const p = at(e)
          setDrag({ ...drag, by: { x: snap(p.x - drag.from.x), y: snap(p.y - drag.from.y) } })
        }}
        onPointerUp={() => {
          if (drag && (drag.by.x !== 0 || drag.by.y !== 0)) onMove(drag.index, drag.by)
          setDrag(null)
        }}
      >
        {plan.zones.map((zone, index) => {
          const f = zoneFrame(zone)
          const by = drag?.index === index ? drag.by : { x: 0, y: 0 }
          return (
            <g
              key={index}
              className="office-editor-zone"
              role="button"
              tabIndex={0}
              aria-pressed={selected === index}
              aria-label={zone.name}
              transform={`translate(${by.x} ${by.y})`}
              onPointerDown={(e) => {
                e.currentTarget.setPointerCapture(e.pointerId)
                onSelect(index)
                setDrag({ index, from: at(e), by: { x: 0, y: 0 } })
              }}
              onKeyDown={(e) => {
                const steps: Record<string, Point> = {
                  ArrowLeft: { x: -12, y: 0 },
                  ArrowRight: { x: 12, y: 0 },
                  ArrowUp: { x: 0, y: -12 },
                  ArrowDown: { x: 0, y: 12 },
                }
                const step = steps[e.key]
                if (step) onMove(index, step)
                else if (e.key === 'Enter' || e.key === ' ') onSelect(index)
                else return
                e.preventDefault()
              }}
            >
              <rect
                className="office-editor-frame"
                x={f.x - 16}
                y={f.y - 16}
                width={f.width + 32}
                height={f.height + 32}
                rx="10"
                fill="transparent"
                stroke="var(--line-strong)"
                strokeDasharray="4 4"
              />
              {(zone.areas ?? []).map((area, i) => (
                <g
                  key={i}
                  transform={`translate(${zone.position.x + area.position.x} ${zone.position.y + area.position.y})`}
                >
                  {area.rectangle && (
                    <rect
                      width={area.rectangle.width}
                      height={area.rectangle.height}
                      rx="8"
                      fill="var(--ink)"
                      opacity="0.9"
                    />
                  )}
                  {area.text && (
                    <text
                      x={area.text.position.x}
                      y={area.text.position.y}
                      textAnchor="middle"
                      dominantBaseline="middle"
                      fill="var(--ground)"
                      fontSize="22"
                      fontWeight="650"
                    >
                      {area.text.text}
                    </text>
                  )}
                </g>
              ))}
              {zone.rows.map((row) =>
                row.seats.map((seat) => (
                  <circle
                    key={seat.seat_guid}
                    cx={zone.position.x + row.position.x + seat.position.x}
                    cy={zone.position.y + row.position.y + seat.position.y}
                    r="8.5"
                    fill={color.get(seat.category) ?? 'var(--taken)'}
                  />
                )),
              )}
              {zone.rows.length > 0 && (
                <text
                  x={f.x + f.width / 2}
                  y={f.y - 24}
                  textAnchor="middle"
                  fontSize="20"
                  fontWeight="650"
                  fill="var(--muted)"
                >
                  {zone.name}
                </text>
              )}
            </g>
          )
        })}
      </svg>
    </div>
  )
}
