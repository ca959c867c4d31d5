import { queryOptions, useQuery } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import { asProblem } from '../../api/problem'
import type { components } from '../../api/auth.gen'
import { currentLocale } from '../../i18n'

export type Session = components['schemas']['Session']

/** Who is signed in; null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async (): Promise<Session | null> => {
    try {
      return await unwrap(api.GET('/auth/session'))
    } catch (error) {
      if (asProblem(error).status === 401) return null
      throw error
    }
  },
  staleTime: 60_000,
  retry: 1,
})

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
