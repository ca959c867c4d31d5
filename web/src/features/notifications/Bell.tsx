import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Notice } from '../../api/client'
import { Icon } from '../../components/Icon'
import { number } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { useStream } from '../../live/hooks'
import { bookingQuery, bookingsQuery } from '../bookings/query'
import { notificationsQuery } from './query'

/** The notifications button with the unread count; announces new notifications. */
export default function Bell() {
  const t = useText()
  const queries = useQueryClient()
  const { data } = useQuery(notificationsQuery)
  const [announcement, setAnnouncement] = useState('')
  useStream('/api/v1/notifications/stream', (e) => {
    if (e.event !== 'notification') return
    const notice = JSON.parse(e.data) as Notice
    setAnnouncement(t(`notice.${notice.kind}`))
    queries.setQueryData(notificationsQuery.queryKey, (now) =>
      now && !now.items.some((n) => n.id === notice.id) ? { ...now, items: [notice, ...now.items] } : now,
    )
    if (notice.booking) {
      void queries.invalidateQueries(bookingQuery(notice.booking))
      void queries.invalidateQueries({ queryKey: bookingsQuery.queryKey })
    }
  })
  const unread = data?.items.filter((n) => !n.read).length ?? 0
  return (
    <Link to="/notifications" className="icon-button" aria-label={t('notice.unread', { count: unread })}>
      <Icon name="bell" />
      {unread > 0 && (
        <span className="badge">{unread > 9 ? t('notice.more_than', { count: number(9) }) : number(unread)}</span>
      )}
      <span className="sr" role="status">
        {announcement}
      </span>
    </Link>
  )
}
