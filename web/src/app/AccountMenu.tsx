import { DropdownMenu } from 'radix-ui'
import { Link } from '@tanstack/react-router'
import { Icon } from '../components/Icon'
import type { Session } from '../features/session/query'
import { signOut } from '../features/session/session'
import { useText } from '../i18n/text'

export default function AccountMenu({ session }: { session: Session }) {
  const t = useText()
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="icon-button" aria-label={t('nav.account')}>
        <Icon name="user" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
          <DropdownMenu.Label className="small muted menu-label">{session.name}</DropdownMenu.Label>
          <DropdownMenu.Item asChild>
            <Link to="/bookings" className="menu-item">
              <Icon name="ticket" />
              {t('nav.tickets')}
            </Link>
          </DropdownMenu.Item>
          <DropdownMenu.Item asChild>
            <Link to="/profile" className="menu-item">
              <Icon name="user" />
              {t('nav.profile')}
            </Link>
          </DropdownMenu.Item>
          {session.roles.includes('merchant') && (
            <DropdownMenu.Item asChild>
              <Link to="/merchant" className="menu-item">
                <Icon name="venue" />
                {t('nav.merchant')}
              </Link>
            </DropdownMenu.Item>
          )}
          {session.roles.includes('admin') && (
            <DropdownMenu.Item asChild>
              <Link to="/admin" className="menu-item">
                <Icon name="scale" />
                {t('nav.admin')}
              </Link>
            </DropdownMenu.Item>
          )}
          <DropdownMenu.Item className="menu-item" onSelect={() => void signOut()}>
            <Icon name="out" />
            {t('session.sign_out')}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
