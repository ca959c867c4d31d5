import { useEffect, useRef } from 'react'
import { useCamera, type Camera } from './camera'
import { each, grid, nearest } from './grid'
import { look } from './paint'
import type { MapProps } from './SvgMap'

interface Inks {
  kinds: string[]
  taken: string
  light: string
  ink: string
  muted: string
  sunken: string
  font: string
}

function inks(node: HTMLElement): Inks {
  const style = getComputedStyle(node)
  const value = (name: string) => style.getPropertyValue(name).trim()
  return {
    kinds: [1, 2, 3, 4, 5, 6].map((n) => value(`--kind-${n}`)),
    taken: value('--taken'),
    light: value('--light'),
    ink: value('--ink'),
    muted: value('--muted'),
    sunken: value('--sunken'),
    font: style.fontFamily,
  }
}

const OVERVIEW = 2600

/**
 * Beyond two thousand seats: a canvas. From afar the whole house is one picture, of which only
 * changed seats are painted again; from near, only the seats in sight are drawn.
 */
export default function CanvasMap({ store, hidden, onTap, handle }: MapProps) {
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const { house } = store
  const index = useRef(grid(house))
  const overview = useRef<{ image: HTMLCanvasElement; scale: number } | null>(null)
  const colours = useRef<Inks | null>(null)
  const shown = useRef(hidden)
  const last = useRef<[Camera, number, number]>([{ k: 1, dx: 0, dy: 0 }, 0, 0])

  const dot = (ctx: CanvasRenderingContext2D, unit: number, scale: number, ox: number, oy: number) => {
    const c = colours.current!
    const x = (house.x[unit]! - ox) * scale
    const y = (house.y[unit]! - oy) * scale
    const s = house.pitch * scale
    ctx.clearRect(x - s / 2, y - s / 2, s, s)
    const what = look(store, unit, shown.current)
    const size = what === 'chosen' ? s : what === 'free' ? s * 0.78 : s * 0.42
    ctx.fillStyle = what === 'chosen' ? c.light : what === 'free' ? c.kinds[house.type[unit]! % 6]! : c.taken
    ctx.fillRect(x - size / 2, y - size / 2, size, size)
  }

  const paintOverview = () => {
    const { bounds } = house
    const image = overview.current?.image ?? document.createElement('canvas')
    const w = bounds.right - bounds.left + house.pitch * 2
    const h = bounds.bottom - bounds.top + house.pitch * 2
    const scale = Math.min(OVERVIEW / Math.max(w, h), 12 / house.pitch)
    image.width = Math.ceil(w * scale)
    image.height = Math.ceil(h * scale)
    const ctx = image.getContext('2d')!
    for (let i = 0; i < house.seats; i++) dot(ctx, i, scale, bounds.left - house.pitch, bounds.top - house.pitch)
    overview.current = { image, scale }
    store.dirty.clear()
  }

  const draw = (camera: Camera, width: number, height: number) => {
    last.current = [camera, width, height]
    const node = canvas.current
    if (!node || width === 0) return
    colours.current ??= inks(node)
    if (!overview.current) paintOverview()
    const ratio = Math.min(window.devicePixelRatio || 1, 2)
    if (node.width !== Math.round(width * ratio) || node.height !== Math.round(height * ratio)) {
      node.width = Math.round(width * ratio)
      node.height = Math.round(height * ratio)
    }
    const ctx = node.getContext('2d')!
    const c = colours.current
    const { k, dx, dy } = camera
    ctx.setTransform(1, 0, 0, 1, 0, 0)
    ctx.clearRect(0, 0, node.width, node.height)
    ctx.setTransform(ratio * k, 0, 0, ratio * k, ratio * dx, ratio * dy)
    stage(ctx, c)
    const s = house.pitch * k
    if (s < 7) {
      const { image, scale } = overview.current!
      if (store.dirty.size > 0) {
        const o = image.getContext('2d')!
        for (const unit of store.dirty)
          if (unit < house.seats) dot(o, unit, scale, house.bounds.left - house.pitch, house.bounds.top - house.pitch)
        store.dirty.clear()
      }
      ctx.drawImage(
        image,
        house.bounds.left - house.pitch,
        house.bounds.top - house.pitch,
        image.width / scale,
        image.height / scale,
      )
    } else {
      const m = house.pitch
      each(index.current, -dx / k - m, -dy / k - m, (width - dx) / k + m, (height - dy) / k + m, (unit) =>
        seat(ctx, unit, c),
      )
    }
    labels(ctx, c, camera, ratio, width, height)
  }

  const stage = (ctx: CanvasRenderingContext2D, c: Inks) => {
    const { x, y } = house.stage
    const w = Math.min((house.bounds.right - house.bounds.left) * 0.16, house.pitch * 26)
    const h = w * 0.55
    ctx.fillStyle = c.ink
    ctx.globalAlpha = 0.9
    ctx.beginPath()
    ctx.roundRect(x - w / 2, y - h / 2, w, h, h * 0.25)
    ctx.fill()
    ctx.globalAlpha = 1
  }

  const seat = (ctx: CanvasRenderingContext2D, unit: number, c: Inks) => {
    const x = house.x[unit]!
    const y = house.y[unit]!
    const r = house.pitch * 0.4
    const what = look(store, unit, shown.current)
    ctx.beginPath()
    if (what === 'chosen') {
      ctx.fillStyle = c.light
      ctx.strokeStyle = '#17163a'
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
      ctx.fillStyle = what === 'off' ? c.taken : c.kinds[house.type[unit]! % 6]!
      if (house.kind[unit] !== 'seat') ctx.roundRect(x - r, y - r, r * 2, r * 2, r * 0.3)
      else ctx.arc(x, y, what === 'off' ? r * 0.6 : r, 0, 7)
      ctx.fill()
    }
  }

  const labels = (
    ctx: CanvasRenderingContext2D,
    c: Inks,
    camera: Camera,
    ratio: number,
    width: number,
    height: number,
  ) => {
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0)
    ctx.textAlign = 'center'
    ctx.textBaseline = 'middle'
    const near = house.pitch * camera.k >= 7
    ctx.font = `650 ${near ? 14 : 11}px ${c.font}`
    ctx.lineWidth = 4
    ctx.lineJoin = 'round'
    for (const s of house.sections) {
      const w = (s.right - s.left) * camera.k
      if (w < 26) continue
      const x = s.x * camera.k + camera.dx
      const y = (near ? s.top - house.pitch * 0.9 : s.y) * camera.k + camera.dy
      if (x < -50 || y < -50 || x > width + 50 || y > height + 50) continue
      const text = near ? s.name : s.name.replace(/^\D+(?=\d)/, '')
      ctx.strokeStyle = c.sunken
      ctx.fillStyle = c.ink
      ctx.strokeText(text, x, y)
      ctx.fillText(text, x, y)
    }
  }

  const camera = useCamera(box, house.bounds, house.pitch, draw, (x, y, cam) => {
    const unit = nearest(house, index.current, x, y, Math.max(house.pitch * 0.62, 18 / cam.k))
    if (unit === null) return
    if (house.pitch * cam.k < 13) {
      const section = house.sections.find((s) => s.name === house.section[unit])
      if (section) return camera.current.show(section)
    }
    onTap(unit)
  })
  handle(camera)

  useEffect(() => {
    let frame = 0
    const again = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        draw(...last.current)
      })
    }
    const unsubscribe = store.subscribe(again)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const recolour = () => {
      colours.current = null
      overview.current = null
      again()
    }
    scheme.addEventListener('change', recolour)
    void document.fonts?.ready.then(again)
    return () => {
      cancelAnimationFrame(frame)
      unsubscribe()
      scheme.removeEventListener('change', recolour)
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- draw reads refs only
  }, [store])

  useEffect(() => {
    shown.current = hidden
    overview.current = null
    draw(...last.current)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- draw reads refs only
  }, [hidden])

  return (
    <div ref={box} className="map-box">
      <canvas ref={canvas} aria-hidden="true" />
    </div>
  )
}
