import { act, screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { show } from '../testing'
import { Timer } from './Timer'

describe('the timer', () => {
  afterEach(() => void vi.useRealTimers())

  it('counts down, and says two minutes, thirty seconds and the end once and politely', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true })
    const over = vi.fn()
    await show(<Timer deadline={new Date(Date.now() + 122_000).toISOString()} onOver={over} />)
    const later = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms))
    expect(screen.getByRole('timer')).toHaveTextContent(/^2:0[12]$/)
    expect(screen.getByRole('status')).toBeEmptyDOMElement()
    await later(3_000)
    expect(screen.getByRole('status')).toHaveTextContent('Two minutes left')
    await later(91_000)
    expect(screen.getByRole('status')).toHaveTextContent('Thirty seconds left')
    expect(over).not.toHaveBeenCalled()
    await later(31_000)
    expect(screen.getByRole('timer')).toHaveTextContent('0:00')
    expect(over).toHaveBeenCalledTimes(1)
  })

  it('tells after a sleep what is true then', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true })
    const over = vi.fn()
    await show(<Timer deadline={new Date(Date.now() + 200_000).toISOString()} onOver={over} />)
    vi.setSystemTime(Date.now() + 300_000) // the device slept: no timer ran
    act(() => void document.dispatchEvent(new Event('visibilitychange')))
    expect(screen.getByRole('timer')).toHaveTextContent('0:00')
    expect(over).toHaveBeenCalledTimes(1)
  })
})
