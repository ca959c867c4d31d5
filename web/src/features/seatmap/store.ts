import type { SeatDelta, SeatMap } from '../../api/client'
import type { ServerEvent } from '../../live/sse'
import type { SeatLayout, SeatState } from './layout'

/**
 * The live state of every unit, and the selection. Deltas arrive up to ten times a second during an on-sale,
 * so the state is outside React; views subscribe.
 */
export class SeatStore {
  readonly states: SeatState[]
  readonly chosen = new Set<number>()
  /** Units of the account's own hold: held, but not lost. */
  readonly mine = new Set<number>()
  /** Selected units that someone else took; shown until dismissed. */
  lost: number[] = []
  version: number
  /** Incremented with each change. */
  revision = 0
  readonly layout: SeatLayout
  private readonly listeners = new Set<() => void>()
  readonly dirty = new Set<number>()

  constructor(layout: SeatLayout, map: Pick<SeatMap, 'states' | 'version'>) {
    this.layout = layout
    this.states = [...map.states] as SeatState[]
    this.version = map.version
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
  snapshot = () => this.revision

  private changed(): void {
    this.revision++
    this.listeners.forEach((listener) => listener())
  }

  /** Applies one event of the stream. false: the snapshot has another number of units, load the map again. */
  receive(event: ServerEvent): boolean {
    if (event.event === 'snapshot') {
      const map = JSON.parse(event.data) as SeatMap
      if (map.states.length !== this.states.length) return false
      for (let i = 0; i < map.states.length; i++) this.setState(i, map.states[i] as SeatState)
      this.version = map.version
      this.changed()
    } else if (event.event === 'delta') {
      const delta = JSON.parse(event.data) as SeatDelta
      for (const [id, state] of delta.changes) {
        const unit = this.layout.index.get(id!)
        if (unit !== undefined) this.setState(unit, state as SeatState)
      }
      this.version = delta.version
      this.changed()
    }
    return true
  }

  private setState(unit: number, state: SeatState): void {
    if (this.states[unit] === state) return
    this.states[unit] = state
    this.dirty.add(unit)
    if (state !== 'a' && this.chosen.has(unit) && !this.mine.has(unit)) {
      this.chosen.delete(unit)
      if (!this.expected.has(unit)) this.lost = [...this.lost, unit]
    }
  }

  /** Units of a hold request in flight: when they become held they are not lost. */
  readonly expected = new Set<number>()

  toggle(unit: number, max: number): 'chosen' | 'dropped' | 'full' | 'taken' {
    this.dirty.add(unit)
    if (this.chosen.delete(unit)) {
      this.changed()
      return 'dropped'
    }
    if (this.states[unit] !== 'a' && !this.mine.has(unit)) return 'taken'
    if (this.chosen.size >= max) return 'full'
    this.chosen.add(unit)
    this.lost = []
    this.changed()
    return 'chosen'
  }

  choose(units: Iterable<number>): void {
    for (const unit of this.chosen) this.dirty.add(unit)
    this.chosen.clear()
    for (const unit of units) {
      this.chosen.add(unit)
      this.dirty.add(unit)
    }
    this.changed()
  }

  /** Replaces the selection by the units of the server's hold. */
  adopt(units: string[]): void {
    this.mine.clear()
    this.expected.clear()
    for (const id of units) {
      const unit = this.layout.index.get(id)
      if (unit !== undefined) this.mine.add(unit)
    }
    this.choose(this.mine)
  }

  markLost(ids: string[]): void {
    this.expected.clear()
    for (const id of ids) {
      const unit = this.layout.index.get(id)
      if (unit === undefined) continue
      if (this.chosen.delete(unit) || !this.lost.includes(unit)) this.lost = [...this.lost, unit]
      this.dirty.add(unit)
    }
    this.changed()
  }

  forgetLost(): void {
    this.lost = []
    this.changed()
  }

  free(unit: number): boolean {
    return this.states[unit] === 'a' || this.mine.has(unit)
  }
}
