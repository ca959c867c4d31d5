/** Converts times of a datetime-local field in any time zone. */
function offset(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at)
  const get = (type: string) => Number(parts.find((part) => part.type === type)?.value)
  return (
    Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second')) -
    Math.floor(at / 1000) * 1000
  )
}

export function localFromUtc(iso: string, zone: string): string {
  const at = Date.parse(iso)
  return new Date(at + offset(at, zone)).toISOString().slice(0, 16)
}

export function utcFromLocal(local: string, zone: string): string {
  const wall = Date.parse(`${local}:00Z`)
  let at = wall - offset(wall, zone)
  at = wall - offset(at, zone) // the offset may differ across a DST change
  return new Date(at).toISOString()
}
