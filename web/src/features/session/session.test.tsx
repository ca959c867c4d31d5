import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { Refusal, serve, session, show } from '../../testing'
import { RequireSession } from './RequireSession'

const page = <RequireSession>{() => <p>your tickets</p>}</RequireSession>

it('asks nobody to sign in because the answer is missing', async () => {
  let away = true
  serve({ 'GET /auth/session': () => (away ? new Refusal(503, 'dependency_unavailable') : session) })
  await show(page)
  const again = await screen.findByRole('button', { name: 'Try again' }, { timeout: 5_000 })
  expect(screen.queryByText('Sign in to continue')).toBeNull()
  away = false
  await userEvent.click(again)
  expect(await screen.findByText('your tickets')).toBeVisible()
})

it('asks somebody who is not signed in to do so', async () => {
  serve({ 'GET /auth/session': new Refusal(401, 'unauthenticated') })
  await show(page)
  expect(await screen.findByText('Sign in to continue')).toBeVisible()
})
