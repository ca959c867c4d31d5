import type { components } from '../../api/catalog.gen'
import { planColors } from '../../design/palette'

type Parts = components['schemas']
type SeatingPlan = Parts['SeatingPlan']
type PlanZone = NonNullable<Parts['PlanZone']>
type PlanSeat = Parts['PlanSeat']
type PlanRow = NonNullable<NonNullable<PlanZone['rows']>[number]>

/** A seating plan in pretix's format, with all optional members filled in. */
export interface Plan extends SeatingPlan {
  size: { width: number; height: number }
  categories: { name: string; color: string }[]
  zones: Zone[]
}

export interface Zone extends PlanZone {
  name: string
  position: Point
  rows: Row[]
  areas?: Area[]
}

export interface Row extends PlanRow {
  position: Point
  seats: Seat[]
}

export interface Seat extends PlanSeat {
  position: Point
}

/** A shape that is not sold. The API leaves its members open; these are the ones that the editor reads. */
export type Area = {
  shape?: 'rectangle' | 'circle' | 'ellipse' | 'polygon' | 'text'
  color?: string
  position: Point
  rectangle?: { width: number; height: number }
  text?: { position: Point; color?: string; text: string }
}

export interface Point {
  x: number
  y: number
}

const PITCH = 24
const ROW = 28

export const emptyPlan = (name: string): Plan => ({
  name,
  size: { width: 1000, height: 800 },
  categories: [{ name: 'A', color: planColors.categories[0]! }],
  zones: [],
})

function rowName(n: number): string {
  return n < 26 ? String.fromCharCode(65 + n) : rowName(Math.floor(n / 26) - 1) + String.fromCharCode(65 + (n % 26))
}

const slug = (name: string) =>
  name
    .normalize('NFD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 16) || 'zone'

/** A block of straight rows, centred on a point; its seats get ids that no other seat has. */
export function addBlock(
  plan: Plan,
  block: { name: string; rows: number; seats: number; category: string; at: Point },
): Plan {
  const taken = new Set(plan.zones.map((zone) => zone.name))
  let name = block.name
  for (let n = 2; taken.has(name); n++) name = `${block.name} ${n}`
  const ids = new Set(plan.zones.flatMap((zone) => zone.rows.flatMap((row) => row.seats.map((seat) => seat.seat_guid))))
  let prefix = slug(name)
  for (let n = 2; ids.has(`${prefix}-A-1`); n++) prefix = `${slug(name)}${n}`
  const zone: Zone = {
    name,
    zone_id: prefix,
    position: { x: block.at.x - ((block.seats - 1) * PITCH) / 2, y: block.at.y - ((block.rows - 1) * ROW) / 2 },
    rows: Array.from({ length: block.rows }, (_, r) => ({
      row_number: rowName(r),
      position: { x: 0, y: r * ROW },
      seats: Array.from({ length: block.seats }, (_, s) => ({
        seat_guid: `${prefix}-${rowName(r)}-${s + 1}`,
        seat_number: String(s + 1),
        position: { x: s * PITCH, y: 0 },
        category: block.category,
      })),
    })),
    areas: [],
  }
  return grow({ ...plan, categories: withCategory(plan.categories, block.category), zones: [...plan.zones, zone] })
}

export function addArea(plan: Plan, area: { name: string; at: Point; width: number; height: number }): Plan {
  const zone: Zone = {
    name: area.name,
    position: { x: area.at.x - area.width / 2, y: area.at.y - area.height / 2 },
    rows: [],
    areas: [
      {
        shape: 'rectangle',
        color: planColors.stage,
        position: { x: 0, y: 0 },
        rectangle: { width: area.width, height: area.height },
        text: { position: { x: area.width / 2, y: area.height / 2 }, color: planColors.stageText, text: area.name },
      },
    ],
  }
  return grow({ ...plan, zones: [...plan.zones, zone] })
}

function withCategory(categories: Plan['categories'], name: string): Plan['categories'] {
  return categories.some((c) => c.name === name)
    ? categories
    : [...categories, { name, color: planColors.categories[categories.length % planColors.categories.length]! }]
}

export const moveZone = (plan: Plan, index: number, by: Point): Plan =>
  grow({
    ...plan,
    zones: plan.zones.map((zone, i) =>
      i === index
        ? { ...zone, position: { x: Math.max(0, zone.position.x + by.x), y: Math.max(0, zone.position.y + by.y) } }
        : zone,
    ),
  })

export const removeZone = (plan: Plan, index: number): Plan => ({
  ...plan,
  zones: plan.zones.filter((_, i) => i !== index),
})

export function setCategory(plan: Plan, index: number, category: string): Plan {
  return {
    ...plan,
    categories: withCategory(plan.categories, category),
    zones: plan.zones.map((zone, i) =>
      i === index
        ? {
            ...zone,
            rows: zone.rows.map((row) => ({ ...row, seats: row.seats.map((seat) => ({ ...seat, category })) })),
          }
        : zone,
    ),
  }
}

interface Frame {
  x: number
  y: number
  width: number
  height: number
}

export function zoneFrame(zone: Zone): Frame {
  let left = Infinity
  let top = Infinity
  let right = -Infinity
  let bottom = -Infinity
  const include = (x: number, y: number) => {
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  for (const row of zone.rows)
    for (const seat of row.seats)
      include(zone.position.x + row.position.x + seat.position.x, zone.position.y + row.position.y + seat.position.y)
  for (const area of zone.areas ?? []) {
    const x = zone.position.x + area.position.x
    const y = zone.position.y + area.position.y
    include(x, y)
    include(x + (area.rectangle?.width ?? 60), y + (area.rectangle?.height ?? 30))
  }
  if (left === Infinity) return { x: zone.position.x, y: zone.position.y, width: 0, height: 0 }
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** Grows the plan to the extent of its contents. */
function grow(plan: Plan): Plan {
  const frames = plan.zones.map(zoneFrame)
  return {
    ...plan,
    size: {
      width: Math.max(plan.size.width, ...frames.map((f) => f.x + f.width + 40)),
      height: Math.max(plan.size.height, ...frames.map((f) => f.y + f.height + 40)),
    },
  }
}

export const countSeats = (plan: Plan) =>
  plan.zones.reduce((sum, zone) => sum + zone.rows.reduce((n, row) => n + row.seats.length, 0), 0)

const pointOf = (position: Parts['PlanPosition'] | undefined): Point => ({
  ...position,
  x: position?.x ?? 0,
  y: position?.y ?? 0,
})

/** Fills in missing members; null counts as missing. Unknown members are kept. */
export function completePlan(plan: SeatingPlan): Plan {
  const zones = plan.zones
    .filter((zone) => zone !== null)
    .map((zone) => ({
      ...zone,
      name: zone.name ?? '',
      position: pointOf(zone.position),
      rows: (zone.rows ?? [])
        .filter((row) => row !== null)
        .map((row) => ({
          ...row,
          position: pointOf(row.position),
          seats: (row.seats ?? []).map((seat) => ({ ...seat, position: pointOf(seat.position) })),
        })),
      areas: (zone.areas ?? [])
        .filter((area) => area !== null)
        .map((area) => ({ ...area, position: pointOf(area.position as Parts['PlanPosition']) })),
    }))
  const size = { width: plan.size?.width ?? 0, height: plan.size?.height ?? 0 }
  const categories = (plan.categories ?? []).map((c, i) => ({
    ...c,
    color: c.color ?? planColors.categories[i % planColors.categories.length]!,
  }))
  return grow({ ...plan, size, categories, zones })
}

export function isSeatingPlan(value: unknown): value is SeatingPlan {
  const plan = value as Partial<SeatingPlan> | null
  return typeof plan === 'object' && plan !== null && typeof plan.name === 'string' && Array.isArray(plan.zones)
}
