import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { observe, offset, unknownClock } from './clock'
import { parser, type ServerEvent } from './sse'
import { backoff, LONGEST, openStream, SILENCE, type Connection } from './stream'
import { announcement, clockFace, countdown } from './timer'

describe('the clock', () => {
  it('finds a skew within the bounds that samples give', () => {
    // The server is 90 s ahead; its header is cut to the second; a round trip takes 80 ms.
    let clock = unknownClock
    for (const local of [1_000_400, 1_007_900, 1_013_150])
      clock = observe(clock, Math.floor((local + 40 + 90_000) / 1000) * 1000, local, local + 80)
    expect(offset(clock)).toBeGreaterThan(89_000)
    expect(offset(clock)).toBeLessThan(91_000)
    expect(clock.high - clock.low).toBeLessThan(1_080)
  })
  it('believes the local clock where it may be right', () => {
    expect(offset(observe(unknownClock, 5_000, 5_300, 5_350))).toBe(0)
  })
  it('starts over when a clock was set', () => {
    const before = observe(unknownClock, 5_000, 5_300, 5_350)
    expect(offset(observe(before, 500_000, 6_000, 6_050))).toBeGreaterThan(490_000)
  })
})

describe('the timer', () => {
  const deadline = 1_000_000
  it.each([
    [300, 'running', null],
    [121, 'running', null],
    [120, 'low', 120],
    [31, 'low', 120],
    [30, 'urgent', 30],
    [1, 'urgent', 30],
    [0, 'over', 0],
    [-60, 'over', 0],
  ])('with %d s left it is %s', (left, phase, mark) => {
    expect(countdown(deadline, deadline - left * 1000)).toMatchObject({ phase, mark, seconds: Math.max(0, left) })
  })
  it('announces each mark once, and after a sleep only the newest', () => {
    let last: ReturnType<typeof announcement> = null
    const said = []
    for (const left of [200, 119, 100, 20, 10, -5, -6]) {
      const say = announcement(last, countdown(deadline, deadline - left * 1000))
      if (say !== null) said.push((last = say))
    }
    expect(said).toEqual([120, 30, 0])
    expect(announcement(null, countdown(deadline, deadline + 1))).toBe(0)
  })
  it('shows minutes and seconds', () => expect([clockFace(299), clockFace(5)]).toEqual(['4:59', '0:05']))
})

describe('the event parser', () => {
  it('puts events together across chunks and knows comments, ids and retry', () => {
    const events: ServerEvent[] = []
    const retry = vi.fn()
    const p = parser(
      (e) => events.push(e),
      retry,
      () => {},
    )
    for (const chunk of [
      'retry: 2000\n\n:beat\n\nid: 7\nev',
      'ent: delta\ndata: {"a"',
      ':1}\r\ndata: x\n\n',
      'data: last\n\n',
    ])
      p.push(chunk)
    expect(events).toEqual([
      { event: 'delta', data: '{"a":1}\nx', id: '7' },
      { event: 'message', data: 'last', id: '7' },
    ])
    expect(retry).toHaveBeenCalledWith(2000)
  })
})

describe('the stream', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
  const flush = () => vi.advanceTimersByTimeAsync(0)

  function server() {
    const asked: Headers[] = []
    let push: (text: string) => void = () => {}
    let end: () => void = () => {}
    let status = 200
    const fetcher = vi.fn((_url: unknown, init?: RequestInit) => {
      asked.push(new Headers(init?.headers))
      if (status !== 200) return Promise.resolve(new Response(null, { status }))
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          push = (text) => controller.enqueue(new TextEncoder().encode(text))
          end = () => controller.close()
          init?.signal?.addEventListener('abort', () => controller.error(new DOMException('', 'AbortError')))
        },
      })
      return Promise.resolve(new Response(body, { status: 200 }))
    })
    return {
      asked,
      fetch: fetcher as unknown as typeof fetch,
      push: (t: string) => push(t),
      end: () => end(),
      answer: (s: number) => (status = s),
    }
  }

  it('resumes where it was after the connection ends', async () => {
    const s = server()
    const events: string[] = []
    const states: Connection[] = []
    const close = openStream({
      url: '/s',
      fetch: s.fetch,
      random: () => 0,
      onEvent: (e) => events.push(e.data),
      onState: (c) => states.push(c),
    })
    await flush()
    s.push('id: 41\ndata: one\n\n')
    await flush()
    s.end()
    await flush()
    expect(states.at(-1)).toBe('waiting')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(s.asked[0]!.has('Last-Event-ID')).toBe(false)
    expect(s.asked[1]!.get('Last-Event-ID')).toBe('41')
    expect(states.at(-1)).toBe('live')
    s.push('id: 42\ndata: two\n\n')
    await flush()
    expect(events).toEqual(['one', 'two'])
    close()
  })

  it('takes silence for a dead connection', async () => {
    const s = server()
    const close = openStream({ url: '/s', fetch: s.fetch, random: () => 0, onEvent: () => {} })
    await flush()
    await vi.advanceTimersByTimeAsync(SILENCE - 1)
    expect(s.asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_500)
    expect(s.asked).toHaveLength(2)
    close()
  })

  it('does not ask again what will not get better', async () => {
    const s = server()
    s.answer(404)
    const states: Connection[] = []
    openStream({ url: '/s', fetch: s.fetch, onEvent: () => {}, onState: (c) => states.push(c) })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states.at(-1)).toBe('ended')
    expect(s.asked).toHaveLength(1)
  })

  it('keeps trying while the service is away, ever more slowly, and sleeps offline', async () => {
    const s = server()
    s.answer(503)
    const states: Connection[] = []
    const close = openStream({
      url: '/s',
      fetch: s.fetch,
      random: () => 1,
      onEvent: () => {},
      onState: (c) => states.push(c),
    })
    await vi.advanceTimersByTimeAsync(7_500)
    expect(s.asked.length).toBe(4)
    dispatchEvent(new Event('offline'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(s.asked.length).toBe(4)
    expect(states.at(-1)).toBe('offline')
    s.answer(200)
    dispatchEvent(new Event('online'))
    await flush()
    expect(states.at(-1)).toBe('live')
    close()
  })

  it('backs off within bounds', () => {
    expect(backoff(0, 2000, 1)).toBe(2000)
    expect(backoff(50, 2000, 1)).toBe(LONGEST)
    expect(backoff(50, 2000, 0)).toBe(LONGEST / 2)
  })
})
