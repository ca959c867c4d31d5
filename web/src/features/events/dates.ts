const isoDate = (d: Date) =>
  `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')}`
const addDays = (d: Date, days: number) => new Date(d.getFullYear(), d.getMonth(), d.getDate() + days)

export const today = (now = new Date()) => ({ from: isoDate(now), to: isoDate(now) })

/** Friday to Sunday, the rest of it when it has begun. */
export function weekend(now = new Date()) {
  const weekday = (now.getDay() + 6) % 7 // Monday: 0
  const friday = weekday >= 4 ? now : addDays(now, 4 - weekday)
  return { from: isoDate(friday), to: isoDate(addDays(now, 6 - weekday)) }
}

export const nextDays = (days: number, now = new Date()) => ({ from: isoDate(now), to: isoDate(addDays(now, days)) })

export function month(value: string) {
  const [year, m] = value.split('-').map(Number)
  return { from: isoDate(new Date(year!, m! - 1, 1)), to: isoDate(new Date(year!, m!, 0)) }
}
