import type { components } from '../../api/booking.gen'
import type { Text } from '../../i18n/text'

type Unit = components['schemas']['HeldUnit']

/** What a ticket is for, in the reader's language: a seat by its row and number, all else by its label. */
export function unitName(t: Text, { label, zone, row, number, note }: Partial<Unit>): string {
  if (!row) return label ?? ''
  const place = t('seats.place', { section: zone ?? '', row, seat: number ?? '' })
  return note ? `${place} (${note})` : place
}
