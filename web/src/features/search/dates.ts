const iso = (d: Date) =>
  `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')}`
const plus = (d: Date, days: number) => new Date(d.getFullYear(), d.getMonth(), d.getDate() + days)

export const today = (now = new Date()) => ({ from: iso(now), to: iso(now) })

/** Friday to Sunday, the rest of it when it has begun. */
export function weekend(now = new Date()) {
  const weekday = (now.getDay() + 6) % 7 // Monday: 0
  const friday = weekday >= 4 ? now : plus(now, 4 - weekday)
  return { from: iso(friday), to: iso(plus(now, 6 - weekday)) }
}

export const nextDays = (days: number, now = new Date()) => ({ from: iso(now), to: iso(plus(now, days)) })

export function month(value: string) {
  const [year, m] = value.split('-').map(Number)
  return { from: iso(new Date(year!, m! - 1, 1)), to: iso(new Date(year!, m!, 0)) }
}
