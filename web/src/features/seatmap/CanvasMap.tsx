import { useEffect, useMemo, useRef } from 'react'
import { useCamera } from './camera'
import { buildGrid, nearest } from './grid'
import { Scene } from './scene'
import type { MapProps } from './SvgMap'

/** For more than two thousand seats: canvas layers, see Scene. */
export default function CanvasMap({ store, hidden, onTap, cameraRef }: MapProps) {
  const box = useRef<HTMLDivElement>(null)
  const scene = useRef<Scene | null>(null)
  const { layout } = store
  const index = useMemo(() => buildGrid(layout), [layout])
  useCamera(
    box,
    cameraRef,
    layout.extent,
    layout.pitch,
    (at, width, height) => scene.current?.setView(at, width, height),
    (x, y, { camera, show }) => {
      const unit = nearest(layout, index, x, y, Math.max(layout.pitch * 0.62, 18 / camera.k))
      if (unit === null) return
      if (layout.pitch * camera.k < 13) {
        const section = layout.sections.find((s) => s.name === layout.section[unit])
        if (section) return show(section)
      }
      onTap(unit)
    },
  )

  useEffect(() => {
    const made = new Scene(box.current!, store, index)
    scene.current = made
    let frame = 0
    const unsubscribe = store.subscribe(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        made.refresh()
      })
    })
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const invalidate = () => made.invalidate()
    scheme.addEventListener('change', invalidate)
    void document.fonts?.load(`650 14px ${getComputedStyle(box.current!).fontFamily}`).then(invalidate)
    return () => {
      cancelAnimationFrame(frame)
      unsubscribe()
      scheme.removeEventListener('change', invalidate)
      made.close()
    }
  }, [store, index])

  useEffect(() => {
    if (!scene.current || scene.current.hidden === hidden) return
    scene.current.hidden = hidden
    scene.current.invalidate()
  }, [hidden])

  return <div ref={box} className="map-box" />
}
