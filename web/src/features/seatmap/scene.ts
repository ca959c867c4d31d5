import type { Camera } from './camera'
import { eachInside, type Grid } from './grid'
import type { Area } from './layout'
import { areaFontSize, seatAppearance } from './appearance'
import type { SeatStore } from './store'

/** From this size on the screen a seat shows its shape, not only its colour. */
const NEAR = 7
/** Longest side of the canvas that shows the whole plan, in pixels. */
const WHOLE_PIXELS = 1600
/** Wait after the last movement before painting a sharp sheet, in ms. */
const REST_MS = 70
/** Shortest time between two sharp sheets while moving without a rest, in ms. */
const MIN_REPAINT_MS = 600
/** Time that painting may take of a frame, in ms. */
const SLICE_MS = 3

/** A canvas, and the camera that what is on it was painted for: unit points to the sheet's CSS pixels. */
interface Sheet {
  node: HTMLCanvasElement
  ctx: CanvasRenderingContext2D
  camera: Camera
  ratio: number
}

/**
 * A large plan, painted so that moving costs nothing: a gesture only transforms sheets that are
 * painted already, one of the whole plan and over it a sharp one of what is visible. The next sharp
 * one is painted off screen, a few milliseconds a frame, and swapped in when it is done. A change of
 * seats repaints only those seats.
 */
export class Scene {
  hidden: ReadonlySet<string> = new Set()
  private readonly box: HTMLElement
  private readonly store: SeatStore
  private readonly index: Grid
  private readonly whole: Sheet
  private front: Sheet
  private back: Sheet
  private cachedPalette: MapPalette | null = null
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
    this.whole = this.addSheet()
    this.front = this.addSheet()
    this.back = this.addSheet()
    this.front.node.style.visibility = this.back.node.style.visibility = 'hidden'
  }

  close(): void {
    clearTimeout(this.rest)
    cancelAnimationFrame(this.frame)
    this.painting = null
    for (const { node } of [this.whole, this.front, this.back]) node.remove()
  }

  /** Shows the plan as this camera sees it; called once a frame while something moves. */
  setView(camera: Camera, width: number, height: number): void {
    if (width === 0 || height === 0) return
    this.sharp &&= sameCamera(camera, this.camera) && width === this.width && height === this.height
    this.camera = camera
    this.width = width
    this.height = height
    if (!this.painted) this.paintWhole()
    this.positionSheet(this.whole)
    this.positionSheet(this.front)
    if (this.sharp) return
    clearTimeout(this.rest)
    this.rest = setTimeout(() => this.beginSheet(), REST_MS)
    if (!this.painting && !this.coversScreen() && performance.now() - this.begun > MIN_REPAINT_MS) this.beginSheet()
  }

  /** Repaints everything: the colours, the font or the price filter changed. */
  invalidate(): void {
    this.cachedPalette = null
    this.painted = this.sharp = false
    if (this.camera) this.setView(this.camera, this.width, this.height)
  }

  /** Paints the seats that changed. */
  refresh(): void {
    const { dirty, layout } = this.store
    if (!this.painted || dirty.size === 0) return
    const units = [...dirty].filter((unit) => unit < layout.seats)
    dirty.clear()
    for (const sheet of this.painting ? [this.whole, this.front, this.back] : [this.whole, this.front])
      for (const unit of units) this.repaintSeat(sheet, unit)
    if (!this.isNear(this.front.camera)) this.paintLabels(this.front)
  }

  private addSheet(): Sheet {
    const node = document.createElement('canvas')
    node.setAttribute('aria-hidden', 'true')
    node.width = node.height = 1
    this.box.append(node)
    return { node, ctx: node.getContext('2d', { alpha: false })!, camera: { k: 1, dx: 0, dy: 0 }, ratio: 1 }
  }

  private resize(sheet: Sheet, width: number, height: number, ratio: number): void {
    const { node } = sheet
    sheet.ratio = ratio
    node.width = Math.round(width * ratio)
    node.height = Math.round(height * ratio)
    node.style.width = `${width}px`
    node.style.height = `${height}px`
  }

  /** Transforms a sheet to the current camera: nothing is painted. */
  private positionSheet({ node, camera }: Sheet): void {
    const now = this.camera!
    const s = now.k / camera.k
    node.style.transform = `translate(${now.dx - s * camera.dx}px,${now.dy - s * camera.dy}px) scale(${s})`
  }

  /** Whether the front sheet covers the screen at a usable resolution. */
  private coversScreen(): boolean {
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

  private isNear(camera: Camera): boolean {
    return this.store.layout.pitch * camera.k >= NEAR
  }

  private palette(): MapPalette {
    return (this.cachedPalette ??= readPalette(this.box))
  }

  private paintWhole(): void {
    const { layout, dirty } = this.store
    const { extent, pitch } = layout
    const w = extent.right - extent.left + pitch * 2
    const h = extent.bottom - extent.top + pitch * 2
    const k = Math.min(WHOLE_PIXELS / Math.max(w, h), 12 / pitch)
    this.resize(this.whole, Math.ceil(w * k), Math.ceil(h * k), 1)
    this.whole.camera = { k, dx: (pitch - extent.left) * k, dy: (pitch - extent.top) * k }
    this.paintGround(this.whole)
    for (let unit = 0; unit < layout.seats; unit++) this.paintSquare(this.whole.ctx, unit)
    dirty.clear()
    this.painted = true
    if (performance.getEntriesByName('foyer:map').length === 0) performance.mark('foyer:map')
  }

  /** Starts a sharp sheet for the current camera. */
  private beginSheet(): void {
    clearTimeout(this.rest)
    this.begun = performance.now()
    const margin = Math.round(Math.min(this.width, this.height) / 4)
    const ratio = Math.min(window.devicePixelRatio || 1, 2)
    const { k, dx, dy } = this.camera!
    this.resize(this.back, this.width + 2 * margin, this.height + 2 * margin, ratio)
    this.back.camera = { k, dx: dx + margin, dy: dy + margin }
    this.painting = this.paintSteps(this.back)
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(this.slice)
  }

  private readonly slice = (): void => {
    const until = performance.now() + SLICE_MS
    while (this.painting && performance.now() < until) if (this.painting.next().done) this.swapSheets()
    if (this.painting) this.frame = requestAnimationFrame(this.slice)
  }

  /** Shows the sheet that was painted off screen. */
  private swapSheets(): void {
    this.painting = null
    const { front, back } = this
    this.front = back
    this.back = front
    this.positionSheet(back)
    back.node.style.visibility = 'visible'
    front.node.style.visibility = 'hidden'
    const now = this.camera!
    const margin = Math.round(Math.min(this.width, this.height) / 4)
    this.sharp = sameCamera({ k: now.k, dx: now.dx + margin, dy: now.dy + margin }, back.camera)
  }

  private *paintSteps(sheet: Sheet): Generator<void> {
    const { ctx, node, camera, ratio } = sheet
    const { pitch } = this.store.layout
    const near = this.isNear(camera)
    this.paintGround(sheet)
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
        eachInside(
          this.index,
          x,
          y,
          Math.min(right, x + this.index.cell * 3.999),
          Math.min(bottom, y + this.index.cell * 0.999),
          (unit) => (near ? this.paintSeat(ctx, unit) : this.paintSquare(ctx, unit)),
        )
        yield
      }
    }
    this.paintLabels(sheet)
  }

  private useWorldUnits({ ctx, camera, ratio }: Sheet): void {
    ctx.setTransform(ratio * camera.k, 0, 0, ratio * camera.k, ratio * camera.dx, ratio * camera.dy)
  }

  private paintGround(sheet: Sheet): void {
    const { ctx, node } = sheet
    const c = this.palette()
    ctx.setTransform(1, 0, 0, 1, 0, 0)
    ctx.fillStyle = c.sunken
    ctx.fillRect(0, 0, node.width, node.height)
    this.useWorldUnits(sheet)
    for (const area of this.store.layout.areas) paintArea(ctx, area, c, this.store.layout.pitch)
  }

  /** Repaints one seat and the ground under it. */
  private repaintSeat(sheet: Sheet, unit: number): void {
    const { layout } = this.store
    const { ctx, camera } = sheet
    const c = this.palette()
    const x = layout.x[unit]!
    const y = layout.y[unit]!
    const r = layout.pitch * 0.6
    this.useWorldUnits(sheet)
    ctx.save()
    ctx.beginPath()
    ctx.arc(x, y, r, 0, 7)
    ctx.clip()
    ctx.fillStyle = c.sunken
    ctx.fillRect(x - r, y - r, r * 2, r * 2)
    for (const area of layout.areas)
      if (x + r > area.x && x - r < area.x + area.width && y + r > area.y && y - r < area.y + area.height)
        paintArea(ctx, area, c, layout.pitch)
    ctx.restore()
    if (sheet !== this.whole && this.isNear(camera)) this.paintSeat(ctx, unit)
    else this.paintSquare(ctx, unit)
  }

  private colour(unit: number): string {
    const { kinds } = this.palette()
    return kinds[this.store.layout.type[unit]! % kinds.length]!
  }

  private paintSquare(ctx: CanvasRenderingContext2D, unit: number): void {
    const { layout } = this.store
    const c = this.palette()
    const what = seatAppearance(this.store, unit, this.hidden)
    const size = layout.pitch * (what === 'chosen' ? 1 : what === 'free' ? 0.78 : 0.42)
    ctx.fillStyle = what === 'chosen' ? c.light : what === 'free' ? this.colour(unit) : c.taken
    ctx.fillRect(layout.x[unit]! - size / 2, layout.y[unit]! - size / 2, size, size)
  }

  private paintSeat(ctx: CanvasRenderingContext2D, unit: number): void {
    const { layout } = this.store
    const c = this.palette()
    const x = layout.x[unit]!
    const y = layout.y[unit]!
    const r = layout.pitch * 0.4
    const what = seatAppearance(this.store, unit, this.hidden)
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
      if (layout.kind[unit] !== 'seat') ctx.roundRect(x - r, y - r, r * 2, r * 2, r * 0.3)
      else ctx.arc(x, y, what === 'off' ? r * 0.6 : r, 0, 7)
      ctx.fill()
    }
  }

  /** Section names: on the section when zoomed out, above it when zoomed in. */
  private paintLabels({ ctx, node, camera, ratio }: Sheet): void {
    const c = this.palette()
    const { layout } = this.store
    const near = this.isNear(camera)
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0)
    ctx.textAlign = 'center'
    ctx.textBaseline = 'middle'
    ctx.font = `650 ${near ? 14 : 11}px ${c.font}`
    ctx.lineWidth = 4
    ctx.lineJoin = 'round'
    ctx.strokeStyle = c.sunken
    ctx.fillStyle = c.ink
    for (const s of layout.sections) {
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

const sameCamera = (a: Camera, b: Camera | null) => b !== null && a.k === b.k && a.dx === b.dx && a.dy === b.dy

interface MapPalette {
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

/** The colour tokens resolved for a canvas, in the current colour scheme. */
function readPalette(box: HTMLElement): MapPalette {
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

function paintArea(ctx: CanvasRenderingContext2D, area: Area, c: MapPalette, pitch: number): void {
  const { x, y, width, height } = area
  ctx.beginPath()
  if (area.shape === 'ellipse') ctx.ellipse(x + width / 2, y + height / 2, width / 2, height / 2, 0, 0, 7)
  else if (area.shape === 'polygon' && area.points)
    for (let i = 0; i + 1 < area.points.length; i += 2) ctx.lineTo(area.points[i]!, area.points[i + 1]!)
  else if (area.shape === 'rectangle') ctx.roundRect(x, y, width, height, Math.min(width, height) * 0.12)
  ctx.fillStyle = area.kind === 'stage' ? c.stage : c.line
  ctx.fill()
  if (!area.text) return
  ctx.font = `650 ${areaFontSize(area, pitch)}px ${c.font}`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  ctx.fillStyle = area.kind === 'stage' ? c.onNight : c.muted
  ctx.fillText(area.text, x + width / 2, y + height / 2)
}
