import createClient from 'openapi-fetch'
import { observeResponse } from '../live/clock'
import type { paths as Auth } from './auth.gen'
import type { paths as Booking, components as BookingParts } from './booking.gen'
import type { paths as Catalog, components as CatalogParts } from './catalog.gen'
import type { paths as Notification, components as NotificationParts } from './notification.gen'
import type { paths as Payment } from './payment.gen'
import type { paths as Search } from './search.gen'
import type { paths as WaitingRoom } from './waitingroom.gen'
import { takePrefetched } from './prefetched'
import { offlineProblem, toProblem } from './problem'

export type Event = CatalogParts['schemas']['Event']
export type EventPlan = CatalogParts['schemas']['EventPlan']
export type PlanArea = CatalogParts['schemas']['PlanArea']
export type NewEvent = CatalogParts['schemas']['NewEvent']
export type NewTicketType = CatalogParts['schemas']['NewTicketType']
export type Money = CatalogParts['schemas']['Money']
export type SeatMap = BookingParts['schemas']['SeatMap']
export type SeatDelta = BookingParts['schemas']['SeatDelta']
export type HoldRequest = BookingParts['schemas']['HoldRequest']
export type Hold = BookingParts['schemas']['Hold']
export type BookingView = BookingParts['schemas']['Booking']
export type BookingStatus = BookingParts['schemas']['BookingStatus']
export type Notice = NotificationParts['schemas']['Notification']

/** Every response sets the clock; every failure becomes a Problem. */
async function observedFetch(request: Request): Promise<Response> {
  const early = takePrefetched(request)
  if (early) {
    const response = await early.answer.catch(() => null)
    if (response && response.status < 500 && response.status !== 429) return observed(response, early.sent)
  }
  const sent = Date.now()
  try {
    return observed(await fetch(request), sent)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw offlineProblem()
  }
}

function observed(response: Response, sent: number): Response {
  observeResponse(response, sent)
  return response
}

type Paths = Auth & Booking & Catalog & Notification & Payment & Search & WaitingRoom
type Media = 'application/json' | 'application/problem+json'

export const api = createClient<Paths, Media>({
  baseUrl: location.origin,
  fetch: observedFetch,
})

interface ApiResult<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The data of a response; throws its Problem. */
export async function unwrap<T>(answer: Promise<ApiResult<T>>): Promise<T> {
  const { data, error, response } = await answer
  if (!response.ok) throw toProblem(error, response.status)
  return data as T
}

export const idempotencyKey = () => ({ 'Idempotency-Key': crypto.randomUUID() })
