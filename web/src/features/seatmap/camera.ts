import { useEffect, useRef } from 'react'

/** A view of the plan: a point of the plan is at (x·k + dx, y·k + dy) on the screen. */
export interface Camera {
  k: number
  dx: number
  dy: number
}

export interface Bounds {
  left: number
  top: number
  right: number
  bottom: number
}

export function fit(bounds: Bounds, width: number, height: number, pad: number): Camera {
  const w = Math.max(1, bounds.right - bounds.left)
  const h = Math.max(1, bounds.bottom - bounds.top)
  const k = Math.min((width - 2 * pad) / w, (height - 2 * pad) / h)
  return {
    k,
    dx: width / 2 - (k * (bounds.left + bounds.right)) / 2,
    dy: height / 2 - (k * (bounds.top + bounds.bottom)) / 2,
  }
}

/** Zooms by a factor; what is at (x, y) on the screen stays there. */
export function zoomAt(camera: Camera, factor: number, x: number, y: number, least: number, most: number): Camera {
  const k = Math.min(most, Math.max(least, camera.k * factor))
  const f = k / camera.k
  return { k, dx: x - (x - camera.dx) * f, dy: y - (y - camera.dy) * f }
}

/** Limits the camera so that part of the plan stays visible. */
function clamp(camera: Camera, bounds: Bounds, width: number, height: number): Camera {
  const margin = Math.min(width, height) * 0.3
  const minDx = margin - bounds.right * camera.k
  const maxDx = width - margin - bounds.left * camera.k
  const minDy = margin - bounds.bottom * camera.k
  const maxDy = height - margin - bounds.top * camera.k
  return {
    k: camera.k,
    dx: Math.min(Math.max(camera.dx, minDx), maxDx),
    dy: Math.min(Math.max(camera.dy, minDy), maxDy),
  }
}

export interface CameraHandle {
  camera: Camera
  zoom: (factor: number) => void
  reset: () => void
  show: (bounds: Bounds) => void
}

/**
 * Pan, pinch and wheel on an element, and buttons through handleRef, which is null while unmounted.
 * onMove is called at most once a frame; no React state.
 */
export function useCamera(
  element: React.RefObject<HTMLElement | null>,
  handleRef: React.RefObject<CameraHandle | null>,
  bounds: Bounds,
  pitch: number,
  onMove: (camera: Camera, width: number, height: number) => void,
  onTap: (x: number, y: number, handle: CameraHandle) => void,
): void {
  const move = useRef(onMove)
  const tap = useRef(onTap)
  useEffect(() => {
    move.current = onMove
    tap.current = onTap
  })
  useEffect(() => {
    const node = element.current
    if (!node) return
    let width = node.clientWidth
    let height = node.clientHeight
    const pad = 24
    const whole = () => fit(bounds, width, height, pad)
    const limits = () => ({ least: whole().k * 0.9, most: Math.max(44 / pitch, whole().k * 4) })
    let frame = 0
    let animation = 0
    const draw = () => {
      frame = 0
      move.current(handle.camera, width, height)
    }
    const set = (camera: Camera) => {
      handle.camera = clamp(camera, bounds, width, height)
      frame ||= requestAnimationFrame(draw)
    }
    const glide = (target: Camera) => {
      cancelAnimationFrame(animation)
      if (matchMedia('(prefers-reduced-motion: reduce)').matches) return set(target)
      const from = handle.camera
      const began = performance.now()
      const step = (now: number) => {
        const t = Math.min(1, (now - began) / 260)
        const e = 1 - (1 - t) ** 3
        set({
          k: from.k + (target.k - from.k) * e,
          dx: from.dx + (target.dx - from.dx) * e,
          dy: from.dy + (target.dy - from.dy) * e,
        })
        if (t < 1) animation = requestAnimationFrame(step)
      }
      animation = requestAnimationFrame(step)
    }
    const handle: CameraHandle = {
      camera: { k: 1, dx: 0, dy: 0 },
      zoom: (factor) => glide(zoomAt(handle.camera, factor, width / 2, height / 2, limits().least, limits().most)),
      reset: () => glide(whole()),
      show: (area) => {
        const target = fit(area, width, height, Math.min(width, height) * 0.12)
        const { most } = limits()
        glide(target.k > most ? zoomAt(target, most / target.k, width / 2, height / 2, 0, most) : target)
      },
    }
    handleRef.current = handle
    set(whole())

    const pointers = new Map<number, { x: number; y: number }>()
    let travelled = 0
    const at = (e: { clientX: number; clientY: number }) => {
      const box = node.getBoundingClientRect()
      return { x: e.clientX - box.left, y: e.clientY - box.top }
    }
    const down = (e: PointerEvent) => {
      if (e.button !== 0 || (e.target as Element).closest('button')) return
      cancelAnimationFrame(animation)
      pointers.set(e.pointerId, at(e))
      if (pointers.size === 1) travelled = 0
    }
    const drag = (e: PointerEvent) => {
      const before = pointers.get(e.pointerId)
      if (!before) return
      const now = at(e)
      const { camera } = handle
      const others = [...pointers.entries()].filter(([id]) => id !== e.pointerId)
      pointers.set(e.pointerId, now)
      travelled += Math.hypot(now.x - before.x, now.y - before.y)
      if (others.length === 0) {
        if (travelled > 6) {
          if (!node.hasPointerCapture(e.pointerId)) node.setPointerCapture(e.pointerId)
          set({ ...camera, dx: camera.dx + now.x - before.x, dy: camera.dy + now.y - before.y })
        }
        return
      }
      travelled += 7
      const other = others[0]![1]
      const was = Math.hypot(before.x - other.x, before.y - other.y)
      const is = Math.hypot(now.x - other.x, now.y - other.y)
      const { least, most } = limits()
      const zoomed =
        was > 0 ? zoomAt(camera, is / was, (now.x + other.x) / 2, (now.y + other.y) / 2, least, most) : camera
      set({ ...zoomed, dx: zoomed.dx + (now.x - before.x) / 2, dy: zoomed.dy + (now.y - before.y) / 2 })
    }
    const up = (e: PointerEvent) => {
      const was = pointers.get(e.pointerId)
      pointers.delete(e.pointerId)
      if (!was || e.type === 'pointercancel' || travelled > 6) return
      const { camera } = handle
      tap.current((was.x - camera.dx) / camera.k, (was.y - camera.dy) / camera.k, handle)
    }
    const wheel = (e: WheelEvent) => {
      e.preventDefault()
      cancelAnimationFrame(animation)
      const { x, y } = at(e)
      const { least, most } = limits()
      set(zoomAt(handle.camera, Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0022)), x, y, least, most))
    }
    node.addEventListener('pointerdown', down)
    node.addEventListener('pointermove', drag)
    node.addEventListener('pointerup', up)
    node.addEventListener('pointercancel', up)
    node.addEventListener('wheel', wheel, { passive: false })
    const resize = new ResizeObserver(() => {
      const atWhole = Math.abs(handle.camera.k - whole().k) < 1e-6
      width = node.clientWidth
      height = node.clientHeight
      set(atWhole || width === 0 ? whole() : handle.camera)
    })
    resize.observe(node)
    return () => {
      handleRef.current = null
      cancelAnimationFrame(frame)
      cancelAnimationFrame(animation)
      resize.disconnect()
      node.removeEventListener('pointerdown', down)
      node.removeEventListener('pointermove', drag)
      node.removeEventListener('pointerup', up)
      node.removeEventListener('pointercancel', up)
      node.removeEventListener('wheel', wheel)
    }
  }, [element, handleRef, bounds, pitch])
}
