import type { components } from '../../api/booking.gen'
import type { Text } from '../../i18n/text'

type Unit = components['schemas']['HeldUnit']

/** A unit's name in the reader's language: a seat by row and number, others by label. */
export function unitName(t: Text, { label, zone, row, number, note }: Partial<Unit>): string {
  if (!row) return label ?? ''
  const place = t('seats.place', { section: zone ?? '', row, seat: number ?? '' })
  return note ? `${place} (${note})` : place
}
