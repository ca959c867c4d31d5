import type { BookingStatus } from '../../api/client'
import { Icon, type IconName } from '../../components/Icon'
import { useText } from '../../i18n/text'

const tones: Record<BookingStatus, [string, IconName]> = {
  requested: ['warn', 'clock'],
  awaiting_payment: ['warn', 'clock'],
  secured: ['good', 'clock'],
  confirmed: ['good', 'check'],
  expired: ['plain', 'clock'],
  failed: ['bad', 'alert'],
  cancelled: ['plain', 'close'],
  refunding: ['warn', 'undo'],
  refunded: ['plain', 'undo'],
}

export function StatusTag({ status }: { status: BookingStatus }) {
  const t = useText()
  const [tone, icon] = tones[status]
  return (
    <span className={`tag tag-${tone}`}>
      <Icon name={icon} size={15} />
      {t(`booking.status.${status}`)}
    </span>
  )
}
