import { expect, it } from 'vitest'
import { month, today, weekend } from './dates'

it('sends the day where the buyer is', () => {
  expect(today(new Date(2026, 10, 24, 18))).toEqual({ from: '2026-11-24', to: '2026-11-24' })
})
it('knows the weekend and the month', () => {
  expect(weekend(new Date(2026, 10, 24))).toEqual({ from: '2026-11-27', to: '2026-11-29' })
  expect(weekend(new Date(2026, 10, 28))).toEqual({ from: '2026-11-28', to: '2026-11-29' })
  expect(month('2027-02')).toEqual({ from: '2027-02-01', to: '2027-02-28' })
})
