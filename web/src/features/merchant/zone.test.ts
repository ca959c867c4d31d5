import { expect, it } from 'vitest'
import { localFromUtc, utcFromLocal } from './zone'

it.each([
  ['2027-01-10T20:00', 'Europe/Berlin', '2027-01-10T19:00:00.000Z'],
  ['2027-07-10T20:00', 'America/New_York', '2027-07-11T00:00:00.000Z'],
  ['2027-03-28T03:30', 'Europe/Berlin', '2027-03-28T01:30:00.000Z'],
])('%s in %s', (local, zone, utc) => {
  expect(utcFromLocal(local, zone)).toBe(utc)
  expect(localFromUtc(utc, zone)).toBe(local)
})
