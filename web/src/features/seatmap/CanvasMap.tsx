import { useEffect, useRef } from 'react'
import { useCamera } from './camera'
import { grid, nearest } from './grid'
import { Scene } from './scene'
import type { MapProps } from './SvgMap'

/** Beyond two thousand seats: sheets of canvas, see Scene. */
export default function CanvasMap({ store, hidden, onTap, handle }: MapProps) {
  const box = useRef<HTMLDivElement>(null)
  const scene = useRef<Scene | null>(null)
  const { house } = store
  const index = useRef(grid(house))
  const camera = useCamera(
    box,
    house.extent,
    house.pitch,
    (at, width, height) => scene.current?.look(at, width, height),
    (x, y, cam) => {
      const unit = nearest(house, index.current, x, y, Math.max(house.pitch * 0.62, 18 / cam.k))
      if (unit === null) return
      if (house.pitch * cam.k < 13) {
        const section = house.sections.find((s) => s.name === house.section[unit])
        if (section) return camera.current.show(section)
      }
      onTap(unit)
    },
  )
  handle(camera)

  useEffect(() => {
    const made = new Scene(box.current!, store, index.current)
    scene.current = made
    let frame = 0
    const unsubscribe = store.subscribe(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        made.refresh()
      })
    })
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const again = () => made.again()
    scheme.addEventListener('change', again)
    void document.fonts?.load(`650 14px ${getComputedStyle(box.current!).fontFamily}`).then(again)
    return () => {
      cancelAnimationFrame(frame)
      unsubscribe()
      scheme.removeEventListener('change', again)
      made.close()
    }
  }, [store])

  useEffect(() => {
    if (!scene.current || scene.current.hidden === hidden) return
    scene.current.hidden = hidden
    scene.current.again()
  }, [hidden])

  return <div ref={box} className="map-box" />
}
