import { useState } from 'react'
import { posterPalettes } from '../design/palette'

function hash(text: string): number {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  h ^= h >>> 15
  h = Math.imul(h, 2246822507)
  return (h ^ (h >>> 13)) >>> 0
}

/** A small generator of numbers in [0, 1) (mulberry32). */
function randomNumbers(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type Palette = (typeof posterPalettes)[number]
const scenes: ((p: Palette, r: () => number) => React.ReactNode)[] = [beams, arcs, folds, discs, tiers, dots, moon]
const scenesByCategory: Record<string, number[]> = {
  music: [0, 1, 6],
  theatre: [2, 0, 4],
  comedy: [3, 0, 6],
  sport: [4, 1],
}

function beams(p: Palette, r: () => number) {
  const lean = r() * 120 - 60
  return (
    <>
      {[0, 1, 2].map((i) => {
        const x = 40 + i * 110 + r() * 30
        return (
          <path
            key={i}
            d={`M${x} -20 L${x + lean - 70} 330 L${x + lean + 80} 330 Z`}
            fill={p[i === 1 ? 1 : i === 0 ? 2 : 4]}
            opacity={i === 1 ? 0.95 : 0.75}
            className="poster-screen"
          />
        )
      })}
      <ellipse cx={150 + lean} cy="334" rx="150" ry="26" fill={p[1]} />
      <rect y="336" width="300" height="64" fill={p[0]} />
      <rect x={140 + lean} y="252" width="9" height="84" rx="4" fill={p[0]} />
      <circle cx={144.5 + lean} cy="244" r="13" fill={p[0]} />
    </>
  )
}

function arcs(p: Palette, r: () => number) {
  const x = 60 + r() * 180
  return [250, 205, 160, 118, 80, 44].map((radius, i) => (
    <circle key={radius} cx={x} cy="400" r={radius * 1.35} fill={p[[4, 1, 0, 2, 3, 1][i]!]} />
  ))
}

function folds(p: Palette, r: () => number) {
  const n = 9
  const open = 0.35 + r() * 0.3
  return (
    <>
      <rect width="300" height="400" fill={p[1]} />
      <circle cx="150" cy="250" r="92" fill={p[3]} />
      <rect y="330" width="300" height="70" fill={p[2]} />
      {Array.from({ length: n }, (_, i) => {
        const left = i < n / 2
        const top = (i / n) * 300
        const bottom = left ? top * open : 300 - (300 - top) * open
        const width = 300 / n + 1
        return (
          <path
            key={i}
            d={`M${top} 0 h${width} C ${top + width} 150 ${bottom + width * open} 240 ${bottom + width * open} 400 h${-width * open} C ${bottom} 240 ${top} 150 ${top} 0Z`}
            fill={i % 2 ? p[0] : p[4]}
          />
        )
      })}
    </>
  )
}

function discs(p: Palette, r: () => number) {
  return [0, 1, 2, 3].map((i) => (
    <circle
      key={i}
      cx={40 + r() * 220}
      cy={70 + i * 90 + r() * 30}
      r={50 + r() * 75}
      fill={p[1 + i]!}
      opacity="0.92"
      className={i % 2 ? 'poster-multiply' : undefined}
    />
  ))
}

function tiers(p: Palette, r: () => number) {
  const tilt = r() * 10 - 5
  return (
    <g transform={`rotate(${tilt} 150 200)`}>
      <rect x="60" y="36" width="180" height="60" rx="8" fill={p[1]} />
      {[0, 1, 2, 3, 4, 5].map((i) => (
        <path
          key={i}
          d={`M${70 - i * 26} ${150 + i * 44} q${80 + i * 26} ${46 + i * 3} ${160 + i * 52} 0`}
          fill="none"
          stroke={p[i % 2 ? 2 : 4]}
          strokeWidth="24"
          strokeLinecap="round"
          strokeDasharray={i % 2 ? '1 32' : '60 34'}
        />
      ))}
    </g>
  )
}

function dots(p: Palette, r: () => number) {
  const fx = 0.6 + r() * 0.9
  const fy = 0.4 + r() * 0.8
  const phase = r() * 6
  const all = []
  for (let y = 0; y < 12; y++)
    for (let x = 0; x < 9; x++) {
      const size = 4 + 13 * (0.5 + 0.5 * Math.sin(x * fx + y * fy + phase))
      all.push(
        <circle
          key={`${x}-${y}`}
          cx={18 + x * 33}
          cy={22 + y * 33}
          r={size}
          fill={p[size > 13 ? 1 : size > 8 ? 4 : 2]}
        />,
      )
    }
  return all
}

function moon(p: Palette, r: () => number) {
  const x = 90 + r() * 120
  return (
    <>
      <circle cx={x} cy="150" r="88" fill={p[1]} />
      {[0, 1, 2, 3].map((i) => (
        <path
          key={i}
          d={`M0 ${220 + i * 48} C 80 ${190 + i * 48 + r() * 50} 200 ${250 + i * 44 - r() * 50} 300 ${214 + i * 48} V400 H0Z`}
          fill={p[[4, 2, 3, 0][i]!]}
          opacity={i === 3 ? 1 : 0.85}
        />
      ))}
    </>
  )
}

/**
 * A poster for an event without a picture: an abstract stage drawn from the event's id, so that it is
 * always the same one. It also shows while a picture loads, and when one does not load.
 */
export function Poster({
  id,
  category,
  image,
  className = '',
}: {
  id: string
  category: string
  image?: string
  className?: string
}) {
  const [broken, setBroken] = useState(false)
  const seed = hash(id)
  const roll = randomNumbers(seed)
  const choice = scenesByCategory[category] ?? [5, 1, 3, 4, 6]
  const palette = posterPalettes[Math.floor(roll() * posterPalettes.length)]!
  const scene = scenes[choice[Math.floor(roll() * choice.length)]!]!
  return (
    <div className={`poster ${className}`} aria-hidden="true">
      <svg viewBox="0 0 300 400" preserveAspectRatio="xMidYMid slice">
        <rect width="300" height="400" fill={palette[0]} />
        {scene(palette, roll)}
      </svg>
      {image && !broken && <img src={image} alt="" loading="lazy" decoding="async" onError={() => setBroken(true)} />}
    </div>
  )
}
