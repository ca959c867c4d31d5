import type { Event, EventPlan, PlanArea, SeatMap } from '../../api/client'

/** available, held, booked, or not sold. */
export type SeatState = 'a' | 'h' | 'b' | 'x'

/** A shape that is not sold, such as the stage. */
export type Area = PlanArea

export interface Row {
  name: string
  units: number[]
}

export interface Section {
  name: string
  rows: Row[]
  /** Centre and extent on the plan. */
  x: number
  y: number
  /** The y position of its name, above its middle seats. */
  label: number
  left: number
  top: number
  right: number
  bottom: number
}

/** The layout of a seat map: units in the plan's order, and sections of rows for the list. */
export interface SeatLayout {
  ids: string[]
  index: Map<string, number>
  x: Float32Array
  y: Float32Array
  /** Index into types. */
  type: Uint8Array
  kind: string[]
  row: string[]
  number: string[]
  section: string[]
  types: Event['ticketTypes']
  sections: Section[]
  /** Units with a place on the plan come first. */
  seats: number
  generalAdmission: Map<string, number[]>
  /** Around the seats, and around all that is drawn. */
  bounds: Bounds
  extent: Bounds
  areas: Area[]
  /** Distance of neighbouring seats. */
  pitch: number
  /** The point that seats face. */
  stage: { x: number; y: number }
}

interface Bounds {
  left: number
  top: number
  right: number
  bottom: number
}

/** The ids of a map's units, spelled out or counted in runs. */
export function unitIds({ units, runs = [] }: Pick<SeatMap, 'units' | 'runs'>): string[] {
  return (
    units ??
    runs.flatMap(({ prefix, first, count = 1, step = 1 }) =>
      first === undefined ? [prefix] : Array.from({ length: count }, (_, i) => prefix + String(first + i * step)),
    )
  )
}

export function buildLayout(
  event: Pick<Event, 'ticketTypes'>,
  plan: EventPlan,
  map: Pick<SeatMap, 'units' | 'runs'>,
): SeatLayout {
  const ids = unitIds(map)
  const n = Math.min(ids.length, plan.units.x.length)
  const types = plan.ticketTypes.map((id) => event.ticketTypes.find((type) => type.id === id)!)
  const kind = plan.units.kind.map((k) => plan.kinds?.[k] ?? 'seat')
  const zone = plan.units.zone.map((z) => plan.zones[z] ?? '')
  const x = new Float32Array(n)
  const y = new Float32Array(n)
  const sections = new Map<string, Section & { byRow: Map<string, Row> }>()
  const generalAdmission = new Map<string, number[]>()
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity }
  let seats = 0
  for (let i = 0; i < n; i++) {
    const type = types[plan.units.ticketType[i]!]
    if (type && !type.seated) {
      const list = generalAdmission.get(type.id)
      if (list) list.push(i)
      else generalAdmission.set(type.id, [i])
      continue
    }
    seats = i + 1
    const px = (x[i] = plan.units.x[i]!)
    const py = (y[i] = plan.units.y[i]!)
    let section = sections.get(zone[i]!)
    if (!section) {
      section = {
        name: zone[i]!,
        rows: [],
        x: 0,
        y: 0,
        label: py,
        left: px,
        right: px,
        top: py,
        bottom: py,
        byRow: new Map(),
      }
      sections.set(zone[i]!, section)
    }
    section.left = Math.min(section.left, px)
    section.right = Math.max(section.right, px)
    section.top = Math.min(section.top, py)
    section.bottom = Math.max(section.bottom, py)
    let row = section.byRow.get(plan.units.row[i]!)
    if (!row) {
      row = { name: plan.units.row[i]!, units: [] }
      section.byRow.set(row.name, row)
      section.rows.push(row)
    }
    row.units.push(i)
    bounds.left = Math.min(bounds.left, px)
    bounds.right = Math.max(bounds.right, px)
    bounds.top = Math.min(bounds.top, py)
    bounds.bottom = Math.max(bounds.bottom, py)
  }
  const list = [...sections.values()].map(({ byRow: _, ...section }) => ({
    ...section,
    x: (section.left + section.right) / 2,
    y: (section.top + section.bottom) / 2,
  }))
  const pitch = neighbourDistance(list, x, y)
  for (const section of list) {
    section.label = section.bottom
    for (const row of section.rows)
      for (const unit of row.units)
        if (Math.abs(x[unit]! - section.x) < pitch * 2.5) section.label = Math.min(section.label, y[unit]!)
    section.label -= pitch * 0.9
  }
  const likely = likelyStage(list, bounds, pitch)
  // A plan that draws nothing gets a stage, where it is likely to be; one that draws is shown as it is.
  const areas = plan.areas?.length ? plan.areas : list.length ? [likely] : []
  const stage = areas.find((area) => area.kind === 'stage') ?? likely
  return {
    ids,
    index: new Map(ids.map((id, i) => [id, i])),
    x,
    y,
    type: Uint8Array.from(plan.units.ticketType.slice(0, n)),
    kind,
    row: plan.units.row,
    number: plan.units.number,
    section: zone,
    types,
    sections: list,
    seats: list.length ? seats : 0,
    generalAdmission,
    bounds,
    extent: areas.reduce(
      (all, area) => ({
        left: Math.min(all.left, area.x),
        top: Math.min(all.top, area.y),
        right: Math.max(all.right, area.x + area.width),
        bottom: Math.max(all.bottom, area.y + area.height),
      }),
      bounds,
    ),
    areas,
    pitch,
    stage: { x: stage.x + stage.width / 2, y: stage.y + stage.height / 2 },
  }
}

function neighbourDistance(sections: Section[], x: Float32Array, y: Float32Array): number {
  let least = Infinity
  for (const section of sections)
    for (const row of section.rows.slice(0, 3))
      for (let i = 1; i < row.units.length; i++) {
        const d = Math.hypot(x[row.units[i]!]! - x[row.units[i - 1]!]!, y[row.units[i]!]! - y[row.units[i - 1]!]!)
        if (d > 0.5 && d < least) least = d
      }
  return Number.isFinite(least) ? least : 20
}

/** In the middle of a round plan, before the first rows of any other. */
function likelyStage(sections: Section[], bounds: Bounds, pitch: number): Area {
  const x = (bounds.left + bounds.right) / 2
  const middle = (bounds.top + bounds.bottom) / 2
  const width = bounds.right - bounds.left
  const height = bounds.bottom - bounds.top
  const round =
    sections.length > 12 && sections.every((s) => Math.hypot((s.x - x) / width, (s.y - middle) / height) > 0.12)
  const w = Math.min(width * (round ? 0.16 : 0.5), pitch * (round ? 26 : 16))
  const h = round ? w * 0.55 : pitch * 2
  const y = round ? middle : bounds.top - pitch * 3.5
  return { shape: 'rectangle', kind: 'stage', x: x - w / 2, y: y - h / 2, width: w, height: h }
}

export function unitLabel(layout: SeatLayout, unit: number): { section: string; row: string; seat: string } {
  return { section: layout.section[unit]!, row: layout.row[unit]!, seat: layout.number[unit]! }
}

/** Seats that would be left alone between taken ones if these were taken. */
export function orphans(layout: SeatLayout, states: ArrayLike<SeatState>, chosen: ReadonlySet<number>): number[] {
  const alone: number[] = []
  const rows = new Set<Row>()
  for (const unit of chosen) {
    const section = layout.sections.find((s) => s.name === layout.section[unit])
    const row = section?.rows.find((r) => r.name === layout.row[unit])
    if (row) rows.add(row)
  }
  for (const row of rows) {
    const free = (i: number) =>
      i >= 0 && i < row.units.length && states[row.units[i]!] === 'a' && !chosen.has(row.units[i]!)
    for (let i = 0; i < row.units.length; i++) {
      const beside = chosen.has(row.units[i - 1] ?? -1) || chosen.has(row.units[i + 1] ?? -1)
      if (beside && free(i) && !free(i - 1) && !free(i + 1)) alone.push(row.units[i]!)
    }
  }
  return alone
}
