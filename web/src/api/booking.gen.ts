// Generated from services/booking/rest/openapi.yaml; do not edit.
export interface paths {
  '/api/v1/events/{event}/seats': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Get the state of every seat of an event */
    get: operations['getSeats']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{event}/seats/stream': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Stream seat changes as server-sent events: a `snapshot`, then `delta` events; Last-Event-ID resumes */
    get: operations['streamSeats']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{event}/holds': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Hold units for a few minutes */
    post: operations['createHold']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/holds/{hold}': {
    parameters: {
      query?: never
      header?: never
      path: {
        hold: components['parameters']['HoldId']
      }
      cookie?: never
    }
    /** Get a hold */
    get: operations['getHold']
    put?: never
    post?: never
    /** Release a hold */
    delete: operations['releaseHold']
    options?: never
    head?: never
    /** Add and remove units, all or none; the expiry does not change */
    patch: operations['changeHold']
    trace?: never
  }
  '/api/v1/bookings': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Create a booking from a hold
     * @description A hold makes one booking. A repeated request, with the same idempotency key or another, returns that booking in its current state.
     */
    post: operations['createBooking']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/bookings/{booking}': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Get a booking */
    get: operations['getBooking']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/bookings/{booking}/stream': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Stream a booking as server-sent events: one `booking` event per change, until nothing is pending */
    get: operations['streamBooking']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/bookings/{booking}/cancel': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Cancel an unpaid booking */
    post: operations['cancelBooking']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/bookings/{booking}/refunds': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Refund all units of a booking, or some; for the buyer within the refund period, the event's merchant, and admins */
    post: operations['refundBooking']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/me/bookings': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List my bookings, newest first */
    get: operations['listMyBookings']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/bookings': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List all bookings, for admins */
    get: operations['listBookings']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/bookings/set-aside': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * List bookings that were set aside after repeated failures, the oldest first
     * @description Each is still tried once an hour. A booking that succeeds is removed from the list.
     */
    get: operations['listSetAsideBookings']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/bookings/{booking}/retry': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Retry a booking that was set aside */
    post: operations['retryBooking']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/merchant/events/{event}/sales': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Get an event's sales, for its merchant and admins */
    get: operations['getSales']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/tickets/{ticket}.pdf': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Download a ticket as PDF, for its buyer */
    get: operations['getTicketPdf']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/tickets/{ticket}.ics': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Download a ticket's event as iCalendar, for its buyer */
    get: operations['getTicketCalendar']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/tickets/key': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Get the public key that verifies ticket codes */
    get: operations['getTicketKey']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
}
export type webhooks = Record<string, never>
export interface components {
  schemas: {
    SetAsideBooking: {
      /** Format: uuid */
      booking: string
      /** @description Problem code of the last failure */
      code: string
      tries: number
      /**
       * Format: date-time
       * @description Time of the first failure
       */
      since: string
      /** Format: date-time */
      setAsideAt: string
      /** Format: date-time */
      nextTry: string
    }
    UnitId: string
    Money: {
      /**
       * Format: int64
       * @description Minor units
       */
      amount: number
      /** @description ISO 4217 */
      currency: string
    }
    SeatMap: {
      /**
       * Format: int64
       * @description Version of the seating plan
       */
      plan: number
      /** @description The ids of all units, in a fixed order; with `units=named` */
      units?: string[]
      /** @description The same units in the same order, with `units=runs` */
      runs?: components['schemas']['UnitRun'][]
      /** Format: int64 */
      version: number
      /** @description One letter per unit, in the order of `units`: a available, h held, b booked, x blocked */
      states: string
    }
    SeatDelta: {
      /** Format: int64 */
      version: number
      changes: string[][]
    }
    /** @enum {string} */
    Naming: 'named' | 'runs' | 'none'
    /** @description `count` units whose ids are `prefix` followed by `first`, `first + step`, and so on. Without `first` it is a single unit with the id `prefix`. */
    UnitRun: {
      prefix: string
      first?: number
      /** @default 1 */
      count?: number
      /** @default 1 */
      step?: number
    }
    HoldRequest: {
      units?: components['schemas']['UnitId'][]
      items?: {
        ticketType: string
        quantity: number
        /**
         * @description Has no effect: the best available units are always chosen. To choose seats, send `units`
         * @default true
         */
        bestAvailable?: boolean
      }[]
    }
    HeldUnit: {
      unit: string
      ticketType: string
      ticketTypeName?: string
      label: string
      /** @description Only for seats, like `row`, `number` and `note` */
      zone?: string
      row?: string
      number?: string
      /** @description The merchant's note on the seat, such as a restricted view */
      note?: string
      price: components['schemas']['Money']
    }
    Hold: {
      /** Format: uuid */
      id: string
      /** Format: uuid */
      event: string
      units: components['schemas']['HeldUnit'][]
      total: components['schemas']['Money']
      /** Format: date-time */
      expiresAt: string
      /** @enum {string} */
      status: 'open' | 'checkout' | 'booked' | 'released' | 'expired'
      /**
       * Format: uuid
       * @description The booking made from this hold
       */
      booking?: string
    }
    /** @description A hold request that has not been decided yet */
    PendingHold: {
      /** Format: uuid */
      id: string
      /** @enum {string} */
      status: 'pending'
    }
    /** @enum {string} */
    BookingStatus:
      | 'requested'
      | 'awaiting_payment'
      | 'secured'
      | 'confirmed'
      | 'expired'
      | 'failed'
      | 'cancelled'
      | 'refunding'
      | 'refunded'
    BookedUnit: {
      unit: string
      ticketType: string
      ticketTypeName?: string
      label: string
      /** @description Only for seats, like `row`, `number` and `note` */
      zone?: string
      row?: string
      number?: string
      /** @description The merchant's note on the seat, such as a restricted view */
      note?: string
      price: components['schemas']['Money']
      /** @description Refunded and on sale again */
      released: boolean
    }
    Ticket: {
      /** Format: uuid */
      id: string
      unit: string
      /** @description The signed code shown as QR code */
      code: string
    }
    Payment: {
      intent: string
      clientSecret: string
      publishableKey: string
    }
    /** @description The event as it was at the time of the booking */
    Occasion: {
      name: string
      /** Format: date-time */
      startsAt: string
      /** Format: date-time */
      endsAt?: string
      timeZone: string
      /** Format: date-time */
      refundableUntil?: string
      venue: {
        name: string
        city: string
        country: string
      }
    }
    Refund: {
      /** Format: uuid */
      id: string
      units: string[]
      amount: components['schemas']['Money']
      /**
       * @description `retrying`: the bank returned the money, and the refund is tried again
       * @enum {string}
       */
      status: 'requested' | 'succeeded' | 'retrying' | 'failed'
      reason: string
      /** Format: date-time */
      at: string
    }
    Booking: {
      /** Format: uuid */
      id: string
      /** Format: uuid */
      hold: string
      /** Format: uuid */
      event: string
      status: components['schemas']['BookingStatus']
      /** @description A code for why the booking ended */
      reason?: string
      units: components['schemas']['BookedUnit'][]
      total: components['schemas']['Money']
      payment?: components['schemas']['Payment']
      /** Format: date-time */
      expiresAt: string
      /** Format: date-time */
      createdAt: string
      /** Format: int64 */
      version: number
      occasion: components['schemas']['Occasion']
      tickets?: components['schemas']['Ticket'][]
      refunds?: components['schemas']['Refund'][]
      /** @description The buyer; only for merchants and admins */
      account?: string
    }
    BookingPage: {
      items: components['schemas']['Booking'][]
      next?: string
    }
    Sales: {
      /** Format: uuid */
      event: string
      inventory: {
        available: number
        held: number
        booked: number
        total: number
      }
      sold: number
      revenue: components['schemas']['Money']
      ticketTypes: {
        ticketType: string
        name: string
        sold: number
        refunded: number
        revenue: components['schemas']['Money']
      }[]
      /** @description Progress of the refunds after the event was cancelled */
      cancellation?: {
        total: number
        done: number
        /** Format: date-time */
        startedAt: string
        /** Format: date-time */
        finishedAt?: string
      }
    }
    Problem: {
      type: string
      title: string
      status: number
      code: string
      detail: string
    }
  }
  responses: {
    /** @description Problem details (RFC 9457) */
    Problem: {
      headers: {
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem']
      }
    }
  }
  parameters: {
    EventId: string
    /** @description How the map lists its units: `named` lists every id (the default), `runs` lists runs of ids in a fifth of the size, `none` lists none, for clients that have them already */
    Units: components['schemas']['Naming']
    HoldId: string
    BookingId: string
    TicketId: string
    Cursor: string
    Limit: number
    IdempotencyKey: string
  }
  requestBodies: never
  headers: never
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  getSeats: {
    parameters: {
      query?: {
        /** @description How the map lists its units: `named` lists every id (the default), `runs` lists runs of ids in a fifth of the size, `none` lists none, for clients that have them already */
        units?: components['parameters']['Units']
      }
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The seat map */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['SeatMap']
        }
      }
      /** @description The client's copy is current */
      304: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  streamSeats: {
    parameters: {
      query?: {
        /** @description How the map lists its units: `named` lists every id (the default), `runs` lists runs of ids in a fifth of the size, `none` lists none, for clients that have them already */
        units?: components['parameters']['Units']
      }
      header?: {
        'Last-Event-ID'?: string
      }
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The event stream */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'text/event-stream': {
            id?: string
            /** @enum {string} */
            event: 'snapshot' | 'delta'
            /** @description JSON: a SeatMap, or a SeatDelta */
            data: string
          }
        }
      }
      default: components['responses']['Problem']
    }
  }
  createHold: {
    parameters: {
      query?: never
      header?: {
        'Idempotency-Key'?: components['parameters']['IdempotencyKey']
        /** @description The admission pass; required for events with a waiting room */
        'Admission-Pass'?: string
      }
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['HoldRequest']
      }
    }
    responses: {
      /** @description Held */
      201: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Hold']
        }
      }
      /** @description The request is queued; poll the URL in Location */
      202: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['PendingHold']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getHold: {
    parameters: {
      query?: never
      header?: never
      path: {
        hold: components['parameters']['HoldId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The hold */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Hold']
        }
      }
      /** @description The request is still queued; poll again */
      202: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['PendingHold']
        }
      }
      default: components['responses']['Problem']
    }
  }
  releaseHold: {
    parameters: {
      query?: never
      header?: never
      path: {
        hold: components['parameters']['HoldId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Released */
      204: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  changeHold: {
    parameters: {
      query?: never
      header?: never
      path: {
        hold: components['parameters']['HoldId']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          add?: components['schemas']['UnitId'][]
          remove?: components['schemas']['UnitId'][]
        }
      }
    }
    responses: {
      /** @description The hold */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Hold']
        }
      }
      default: components['responses']['Problem']
    }
  }
  createBooking: {
    parameters: {
      query?: never
      header?: {
        'Idempotency-Key'?: components['parameters']['IdempotencyKey']
        /** @description `wait=5` waits up to that many seconds for the payment to be ready (RFC 7240) */
        Prefer?: string
      }
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          /** Format: uuid */
          hold: string
        }
      }
    }
    responses: {
      /** @description The booking; it can be paid now */
      201: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Booking']
        }
      }
      /** @description Accepted, not ready to be paid; poll the URL in Location */
      202: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Booking']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getBooking: {
    parameters: {
      query?: never
      header?: never
      path: {
        booking: components['parameters']['BookingId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The booking */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Booking']
        }
      }
      default: components['responses']['Problem']
    }
  }
  streamBooking: {
    parameters: {
      query?: never
      header?: never
      path: {
        booking: components['parameters']['BookingId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A stream of Booking objects */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'text/event-stream': {
            id?: string
            /** @enum {string} */
            event: 'booking'
            /** @description JSON: a Booking */
            data: string
          }
        }
      }
      default: components['responses']['Problem']
    }
  }
  cancelBooking: {
    parameters: {
      query?: never
      header?: {
        'Idempotency-Key'?: components['parameters']['IdempotencyKey']
      }
      path: {
        booking: components['parameters']['BookingId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Cancelled */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Booking']
        }
      }
      default: components['responses']['Problem']
    }
  }
  refundBooking: {
    parameters: {
      query?: never
      header?: {
        'Idempotency-Key'?: components['parameters']['IdempotencyKey']
      }
      path: {
        booking: components['parameters']['BookingId']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          units?: components['schemas']['UnitId'][]
          /** @description A code chosen by the client, such as `requested` */
          reason?: string
        }
      }
    }
    responses: {
      /** @description Accepted */
      202: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Refund']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listMyBookings: {
    parameters: {
      query?: {
        cursor?: components['parameters']['Cursor']
        limit?: components['parameters']['Limit']
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A page */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['BookingPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listBookings: {
    parameters: {
      query?: {
        event?: string
        account?: string
        status?: components['schemas']['BookingStatus']
        cursor?: components['parameters']['Cursor']
        limit?: components['parameters']['Limit']
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A page */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['BookingPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listSetAsideBookings: {
    parameters: {
      query?: {
        limit?: components['parameters']['Limit']
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Bookings that were set aside */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': {
            items: components['schemas']['SetAsideBooking'][]
          }
        }
      }
      default: components['responses']['Problem']
    }
  }
  retryBooking: {
    parameters: {
      query?: never
      header?: never
      path: {
        booking: components['parameters']['BookingId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Accepted; it is retried within seconds */
      202: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  getSales: {
    parameters: {
      query?: never
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Counts and revenue */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Sales']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getTicketPdf: {
    parameters: {
      query?: never
      header?: never
      path: {
        ticket: components['parameters']['TicketId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The ticket for printing */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/pdf': string
        }
      }
      default: components['responses']['Problem']
    }
  }
  getTicketCalendar: {
    parameters: {
      query?: never
      header?: never
      path: {
        ticket: components['parameters']['TicketId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description An iCalendar file */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'text/calendar': string
        }
      }
      default: components['responses']['Problem']
    }
  }
  getTicketKey: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Ed25519, base64 */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': {
            algorithm: string
            key: string
          }
        }
      }
      default: components['responses']['Problem']
    }
  }
}
