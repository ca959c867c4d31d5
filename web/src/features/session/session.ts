import { useQuery } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import { currentLocale } from '../../i18n'
import { sessionQuery } from './query'

/** known: the answer is there. error: there is none, which does not mean that nobody is signed in. */
export function useSession() {
  const { data, error, refetch } = useQuery(sessionQuery)
  return {
    session: data ?? null,
    known: data !== undefined,
    error: data === undefined ? error : null,
    retry: () => void refetch(),
  }
}

export function signIn(returnTo = location.pathname + location.search): void {
  location.assign(`/auth/login?return_to=${encodeURIComponent(returnTo)}&locale=${currentLocale()}`)
}

/** Asks for the password of somebody who is signed in. */
export function signInAgain(returnTo: string): void {
  location.assign(`/auth/login?again=true&return_to=${encodeURIComponent(returnTo)}&locale=${currentLocale()}`)
}

/** Lets somebody who is signed in register a passkey on Keycloak's page. */
export function addPasskey(returnTo: string): void {
  location.assign(`/auth/login?add_passkey=true&return_to=${encodeURIComponent(returnTo)}&locale=${currentLocale()}`)
}

/** Takes off this device what belongs to the account. */
export function forgetDevice(): void {
  localStorage.removeItem('foyer.cart')
  navigator.serviceWorker?.controller?.postMessage('forget')
}

export async function signOut(): Promise<void> {
  await unwrap(api.POST('/auth/logout'))
  forgetDevice()
  location.assign('/')
}
