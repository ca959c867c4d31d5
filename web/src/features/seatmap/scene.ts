import type { Camera } from './camera'
import { each, type Grid } from './grid'
import type { Area } from './house'
import { areaText, look } from './paint'
import type { SeatStore } from './store'

/** From this size on the screen a seat shows its shape, not only its colour. */
export const NEAR = 7
/** The whole house as one picture has at most so many pixels a side. */
const WHOLE = 1600
/** How long one looks at a blurred picture after the last movement, in ms. */
const REST = 70
/** While moving on and on, a new picture is begun at most so often, in ms. */
const PACE = 600
/** What painting may take of a frame, in ms. */
const SLICE = 3

/** A canvas, and the camera that what is on it was painted for: unit points to the sheet's CSS pixels. */
interface Sheet {
  node: HTMLCanvasElement
  ctx: CanvasRenderingContext2D
  camera: Camera
  ratio: number
}

/**
 * A large house, painted so that moving costs nothing: a gesture only transforms sheets that are
 * painted already, one with the whole house and over it one with what is in sight. A sharp one for
 * the new place is painted beside them, a few milliseconds a frame, and shown when it is done. A
 * change of seats paints only those seats.
 */
export class Scene {
  hidden: ReadonlySet<string> = new Set()
  private readonly box: HTMLElement
  private readonly store: SeatStore
  private readonly index: Grid
  private readonly whole: Sheet
  private front: Sheet
  private back: Sheet
  private colours: Inks | null = null
  private camera: Camera | null = null
  private width = 0
  private height = 0
  private painted = false
  private sharp = false
  private begun = -Infinity
  private rest: ReturnType<typeof setTimeout> | undefined
  private frame = 0
  private painting: Iterator<void> | null = null

  constructor(box: HTMLElement, store: SeatStore, index: Grid) {
    this.box = box
    this.store = store
    this.index = index
    this.whole = this.sheet()
    this.front = this.sheet()
    this.back = this.sheet()
    this.front.node.style.visibility = this.back.node.style.visibility = 'hidden'
  }

  close(): void {
    clearTimeout(this.rest)
    cancelAnimationFrame(this.frame)
    this.painting = null
    for (const { node } of [this.whole, this.front, this.back]) node.remove()
  }

  /** Shows the plan from somewhere; called once a frame while something moves. */
  look(camera: Camera, width: number, height: number): void {
    if (width === 0 || height === 0) return
    this.sharp &&= same(camera, this.camera) && width === this.width && height === this.height
    this.camera = camera
    this.width = width
    this.height = height
    if (!this.painted) this.paintWhole()
    this.place(this.whole)
    this.place(this.front)
    if (this.sharp) return
    clearTimeout(this.rest)
    this.rest = setTimeout(() => this.begin(), REST)
    if (!this.painting && !this.covers() && performance.now() - this.begun > PACE) this.begin()
  }

  /** Everything anew: other colours, another font, another choice of prices. */
  again(): void {
    this.colours = null
    this.painted = this.sharp = false
    if (this.camera) this.look(this.camera, this.width, this.height)
  }

  /** Paints the seats that changed. */
  refresh(): void {
    const { dirty, house } = this.store
    if (!this.painted || dirty.size === 0) return
    const units = [...dirty].filter((unit) => unit < house.seats)
    dirty.clear()
    for (const sheet of this.painting ? [this.whole, this.front, this.back] : [this.whole, this.front])
      for (const unit of units) this.anew(sheet, unit)
    if (!this.near(this.front.camera)) this.labels(this.front)
  }

  private sheet(): Sheet {
    const node = document.createElement('canvas')
    node.setAttribute('aria-hidden', 'true')
    node.width = node.height = 1
    this.box.append(node)
    return { node, ctx: node.getContext('2d', { alpha: false })!, camera: { k: 1, dx: 0, dy: 0 }, ratio: 1 }
  }

  private size(sheet: Sheet, width: number, height: number, ratio: number): void {
    const { node } = sheet
    sheet.ratio = ratio
    node.width = Math.round(width * ratio)
    node.height = Math.round(height * ratio)
    node.style.width = `${width}px`
    node.style.height = `${height}px`
  }

  /** Moves a sheet to where its picture belongs now: nothing is painted. */
  private place({ node, camera }: Sheet): void {
    const now = this.camera!
    const s = now.k / camera.k
    node.style.transform = `translate(${now.dx - s * camera.dx}px,${now.dy - s * camera.dy}px) scale(${s})`
  }

  /** Whether the sheet in front fills the screen, neither blurred nor tiny. */
  private covers(): boolean {
    const { camera, node, ratio } = this.front
    const now = this.camera!
    const s = now.k / camera.k
    if (s > 2 || s < 0.5) return false
    const left = now.dx - s * camera.dx
    const top = now.dy - s * camera.dy
    const right = left + (s * node.width) / ratio
    const bottom = top + (s * node.height) / ratio
    return left <= 0 && top <= 0 && right >= this.width && bottom >= this.height
  }

  private near(camera: Camera): boolean {
    return this.store.house.pitch * camera.k >= NEAR
  }

  private inks(): Inks {
    return (this.colours ??= inks(this.box))
  }

  private paintWhole(): void {
    const { house, dirty } = this.store
    const { extent, pitch } = house
    const w = extent.right - extent.left + pitch * 2
    const h = extent.bottom - extent.top + pitch * 2
    const k = Math.min(WHOLE / Math.max(w, h), 12 / pitch)
    this.size(this.whole, Math.ceil(w * k), Math.ceil(h * k), 1)
    this.whole.camera = { k, dx: (pitch - extent.left) * k, dy: (pitch - extent.top) * k }
    this.ground(this.whole)
    for (let unit = 0; unit < house.seats; unit++) this.square(this.whole.ctx, unit)
    dirty.clear()
    this.painted = true
    if (performance.getEntriesByName('foyer:map').length === 0) performance.mark('foyer:map')
  }

  /** Begins a sharp picture of where one looks now. */
  private begin(): void {
    clearTimeout(this.rest)
    this.begun = performance.now()
    const margin = Math.round(Math.min(this.width, this.height) / 4)
    const ratio = Math.min(window.devicePixelRatio || 1, 2)
    const { k, dx, dy } = this.camera!
    this.size(this.back, this.width + 2 * margin, this.height + 2 * margin, ratio)
    this.back.camera = { k, dx: dx + margin, dy: dy + margin }
    this.painting = this.steps(this.back)
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(this.slice)
  }

  private readonly slice = (): void => {
    const until = performance.now() + SLICE
    while (this.painting && performance.now() < until) if (this.painting.next().done) this.show()
    if (this.painting) this.frame = requestAnimationFrame(this.slice)
  }

  /** What was painted beside comes to the front. */
  private show(): void {
    this.painting = null
    const { front, back } = this
    this.front = back
    this.back = front
    this.place(back)
    back.node.style.visibility = 'visible'
    front.node.style.visibility = 'hidden'
    const now = this.camera!
    const margin = Math.round(Math.min(this.width, this.height) / 4)
    this.sharp = same({ k: now.k, dx: now.dx + margin, dy: now.dy + margin }, back.camera)
  }

  private *steps(sheet: Sheet): Generator<void> {
    const { ctx, node, camera, ratio } = sheet
    const { pitch } = this.store.house
    const near = this.near(camera)
    this.ground(sheet)
    yield
    const width = node.width / ratio
    const height = node.height / ratio
    const left = -camera.dx / camera.k - pitch
    const right = (width - camera.dx) / camera.k + pitch
    const top = -camera.dy / camera.k - pitch
    const bottom = (height - camera.dy) / camera.k + pitch
    // Row by row of the grid's cells.
    for (let y = top; y < bottom; y += this.index.cell) {
      for (let x = left; x < right; x += this.index.cell * 4) {
        each(
          this.index,
          x,
          y,
          Math.min(right, x + this.index.cell * 3.999),
          Math.min(bottom, y + this.index.cell * 0.999),
          (unit) => (near ? this.seat(ctx, unit) : this.square(ctx, unit)),
        )
        yield
      }
    }
    this.labels(sheet)
  }

  private world({ ctx, camera, ratio }: Sheet): void {
    ctx.setTransform(ratio * camera.k, 0, 0, ratio * camera.k, ratio * camera.dx, ratio * camera.dy)
  }

  private ground(sheet: Sheet): void {
    const { ctx, node } = sheet
    const c = this.inks()
    ctx.setTransform(1, 0, 0, 1, 0, 0)
    ctx.fillStyle = c.sunken
    ctx.fillRect(0, 0, node.width, node.height)
    this.world(sheet)
    for (const area of this.store.house.areas) paintArea(ctx, area, c, this.store.house.pitch)
  }

  /** One seat again, on the ground that is under it. */
  private anew(sheet: Sheet, unit: number): void {
    const { house } = this.store
    const { ctx, camera } = sheet
    const c = this.inks()
    const x = house.x[unit]!
    const y = house.y[unit]!
    const r = house.pitch * 0.6
    this.world(sheet)
    ctx.save()
    ctx.beginPath()
    ctx.arc(x, y, r, 0, 7)
    ctx.clip()
    ctx.fillStyle = c.sunken
    ctx.fillRect(x - r, y - r, r * 2, r * 2)
    for (const area of house.areas)
      if (x + r > area.x && x - r < area.x + area.width && y + r > area.y && y - r < area.y + area.height)
        paintArea(ctx, area, c, house.pitch)
    ctx.restore()
    if (sheet !== this.whole && this.near(camera)) this.seat(ctx, unit)
    else this.square(ctx, unit)
  }

  private colour(unit: number): string {
    const { kinds } = this.inks()
    return kinds[this.store.house.type[unit]! % kinds.length]!
  }

  private square(ctx: CanvasRenderingContext2D, unit: number): void {
    const { house } = this.store
    const c = this.inks()
    const what = look(this.store, unit, this.hidden)
    const size = house.pitch * (what === 'chosen' ? 1 : what === 'free' ? 0.78 : 0.42)
    ctx.fillStyle = what === 'chosen' ? c.light : what === 'free' ? this.colour(unit) : c.taken
    ctx.fillRect(house.x[unit]! - size / 2, house.y[unit]! - size / 2, size, size)
  }

  private seat(ctx: CanvasRenderingContext2D, unit: number): void {
    const { house } = this.store
    const c = this.inks()
    const x = house.x[unit]!
    const y = house.y[unit]!
    const r = house.pitch * 0.4
    const what = look(this.store, unit, this.hidden)
    ctx.beginPath()
    if (what === 'chosen') {
      ctx.fillStyle = c.light
      ctx.strokeStyle = c.onLight
      ctx.lineWidth = r * 0.3
      ctx.roundRect(x - r * 1.2, y - r * 1.2, r * 2.4, r * 2.4, r * 0.5)
      ctx.fill()
      ctx.stroke()
      ctx.beginPath()
      ctx.moveTo(x - r * 0.55, y)
      ctx.lineTo(x - r * 0.1, y + r * 0.5)
      ctx.lineTo(x + r * 0.65, y - r * 0.5)
      ctx.stroke()
    } else if (what === 'held') {
      ctx.strokeStyle = c.taken
      ctx.lineWidth = r * 0.35
      ctx.arc(x, y, r * 0.8, 0, 7)
      ctx.stroke()
    } else if (what === 'booked') {
      const d = r * 0.42
      ctx.strokeStyle = c.taken
      ctx.lineWidth = r * 0.3
      ctx.moveTo(x - d, y - d)
      ctx.lineTo(x + d, y + d)
      ctx.moveTo(x + d, y - d)
      ctx.lineTo(x - d, y + d)
      ctx.stroke()
    } else {
      ctx.fillStyle = what === 'off' ? c.taken : this.colour(unit)
      if (house.kind[unit] !== 'seat') ctx.roundRect(x - r, y - r, r * 2, r * 2, r * 0.3)
      else ctx.arc(x, y, what === 'off' ? r * 0.6 : r, 0, 7)
      ctx.fill()
    }
  }

  /** Names of the sections: on them from afar, above them from near. */
  private labels({ ctx, node, camera, ratio }: Sheet): void {
    const c = this.inks()
    const { house } = this.store
    const near = this.near(camera)
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0)
    ctx.textAlign = 'center'
    ctx.textBaseline = 'middle'
    ctx.font = `650 ${near ? 14 : 11}px ${c.font}`
    ctx.lineWidth = 4
    ctx.lineJoin = 'round'
    ctx.strokeStyle = c.sunken
    ctx.fillStyle = c.ink
    for (const s of house.sections) {
      if (Math.hypot(s.right - s.left, s.bottom - s.top) * camera.k < 29) continue // turned or not
      const x = s.x * camera.k + camera.dx
      const y = (near ? s.label : s.y) * camera.k + camera.dy
      if (x < -50 || y < -50 || x > node.width / ratio + 50 || y > node.height / ratio + 50) continue
      const text = near ? s.name : s.name.replace(/^\D+(?=\d)/, '')
      ctx.strokeText(text, x, y)
      ctx.fillText(text, x, y)
    }
  }
}

const same = (a: Camera, b: Camera | null) => b !== null && a.k === b.k && a.dx === b.dx && a.dy === b.dy

interface Inks {
  kinds: string[]
  taken: string
  light: string
  onLight: string
  ink: string
  stage: string
  onNight: string
  muted: string
  line: string
  sunken: string
  font: string
}

/** The tokens as a canvas takes them: colours of the scheme in use. */
function inks(box: HTMLElement): Inks {
  const probe = box.appendChild(document.createElement('span'))
  const value = (name: string) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const found = {
    kinds: [1, 2, 3, 4, 5, 6].map((n) => value(`kind-${n}`)),
    taken: value('taken'),
    light: value('light'),
    onLight: value('on-light'),
    ink: value('ink'),
    stage: value('stage'),
    onNight: value('on-night'),
    muted: value('muted'),
    line: value('line'),
    sunken: value('sunken'),
    font: getComputedStyle(box).fontFamily,
  }
  probe.remove()
  return found
}

function paintArea(ctx: CanvasRenderingContext2D, area: Area, c: Inks, pitch: number): void {
  const { x, y, width, height } = area
  ctx.beginPath()
  if (area.shape === 'ellipse') ctx.ellipse(x + width / 2, y + height / 2, width / 2, height / 2, 0, 0, 7)
  else if (area.shape === 'polygon' && area.points)
    for (let i = 0; i + 1 < area.points.length; i += 2) ctx.lineTo(area.points[i]!, area.points[i + 1]!)
  else if (area.shape === 'rectangle') ctx.roundRect(x, y, width, height, Math.min(width, height) * 0.12)
  ctx.fillStyle = area.kind === 'stage' ? c.stage : c.line
  ctx.fill()
  if (!area.text) return
  ctx.font = `650 ${areaText(area, pitch)}px ${c.font}`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  ctx.fillStyle = area.kind === 'stage' ? c.onNight : c.muted
  ctx.fillText(area.text, x + width / 2, y + height / 2)
}
