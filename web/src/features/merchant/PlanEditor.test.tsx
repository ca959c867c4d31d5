import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { loadOfficeTexts } from '../../i18n'
import { Refusal, serve, show } from '../../testing'
import { PlanPage } from './PlanEditor'

it('says that the plan is saved only while it is', async () => {
  const venue = { id: 'v1', name: 'Haus', city: 'Berlin', country: 'DE', timeZone: 'Europe/Berlin', hasPlan: false }
  const asked = serve({
    'GET /api/v1/venues/v1': venue,
    'GET /api/v1/venues/v1/seating-plan': new Refusal(404, 'not_found'),
    'PUT /api/v1/venues/v1/seating-plan': venue,
  })
  await loadOfficeTexts()
  await show(<PlanPage id="v1" />)
  const add = await screen.findByRole('button', { name: 'Add' })
  await userEvent.click(add)
  await userEvent.click(screen.getByRole('button', { name: 'Save plan' }))
  expect(await screen.findByText('The plan is saved')).toBeVisible()
  expect(asked.find((a) => a.what.startsWith('PUT'))?.body).toMatchObject({ zones: [{ rows: { length: 6 } }] })
  await userEvent.click(add)
  expect(screen.queryByText('The plan is saved')).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: 'Undo' }))
  expect(screen.getByText('The plan is saved')).toBeVisible()
})

it('refuses a file that is not a seating plan', async () => {
  serve({
    'GET /api/v1/venues/v1': {
      id: 'v1',
      name: 'Haus',
      city: 'Berlin',
      country: 'DE',
      timeZone: 'Europe/Berlin',
      hasPlan: false,
    },
    'GET /api/v1/venues/v1/seating-plan': new Refusal(404, 'not_found'),
  })
  await loadOfficeTexts()
  await show(<PlanPage id="v1" />)
  const input = await screen.findByLabelText('Import')
  await userEvent.upload(input, new File(['{"a":1}'], 'no plan.json', { type: 'application/json' }))
  expect(await screen.findByText('This file is not a seating plan.')).toBeVisible()
})
