// Generated from services/catalog/rest/openapi.yaml; do not edit.
export interface paths {
  '/api/v1/events': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List published events, ordered by start; pages are stable under inserts */
    get: operations['listEvents']
    put?: never
    /** Create an event as a draft */
    post: operations['createEvent']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/import': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Import a file of events
     * @description Accepts JSON lines or a JSON array of conferences (in the format of the conference-data collection) or schema.org Events, or an iCalendar file. The format is detected from the content. Valid records are imported, invalid ones are reported. Importing the same file again changes nothing.
     */
    post: operations['importEvents']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{id}': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    /** Get a published or cancelled event; a draft only for its merchant */
    get: operations['getEvent']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    /** Change an event */
    patch: operations['updateEvent']
    trace?: never
  }
  '/api/v1/events/{id}/publish': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    get?: never
    put?: never
    /** Publish a draft */
    post: operations['publishEvent']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{id}/cancel': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    get?: never
    put?: never
    /** Cancel an event; all its bookings are refunded */
    post: operations['cancelEvent']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{id}/plan': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    /** Get the units of an event and their coordinates, in the order of the seat map */
    get: operations['getEventPlan']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/merchant/events': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List the merchant's events including drafts, the last changed first; admins get all events */
    get: operations['listMerchantEvents']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/merchant/events/{id}': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    /** Get one of the merchant's events, uncached */
    get: operations['getMerchantEvent']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/venues': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List the merchant's venues */
    get: operations['listVenues']
    put?: never
    /** Create a venue */
    post: operations['createVenue']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/venues/{id}': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    /** Get a venue */
    get: operations['getVenue']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/venues/{id}/seating-plan': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    /** Export the seating plan in pretix's format, as it was imported */
    get: operations['getSeatingPlan']
    /**
     * Import a seating plan in pretix's format
     * @description Refused with `plan_in_use` if a published event sells seats of this venue.
     */
    put: operations['putSeatingPlan']
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
    Problem: {
      type: string
      title: string
      status: number
      code: string
      detail: string
    }
    Money: {
      /**
       * Format: int64
       * @description Minor units
       */
      amount: number
      /** @description ISO 4217 */
      currency: string
    }
    Location: {
      /** Format: double */
      lat: number
      /** Format: double */
      lon: number
    }
    /** @description A name of the IANA time zone database */
    TimeZone: string
    NewVenue: {
      /** Format: line */
      name: string
      /** Format: line */
      city?: string
      /** @description ISO 3166-1 alpha-2 */
      country?: string
      location?: components['schemas']['Location']
      timeZone: components['schemas']['TimeZone']
    }
    Venue: {
      /** Format: uuid */
      id: string
      name: string
      city: string
      country: string
      location?: components['schemas']['Location']
      timeZone: string
      hasPlan: boolean
    }
    VenueList: {
      items: components['schemas']['Venue'][]
    }
    EventVenue: {
      /** Format: uuid */
      id: string
      name: string
      city: string
      country: string
      location?: components['schemas']['Location']
    }
    NewTicketType: {
      /**
       * Format: uuid
       * @description In a change of an event: the id of the existing ticket type
       */
      id?: string
      /** Format: line */
      name: string
      price: components['schemas']['Money']
      /** @description Required for general admission; seated types count their seats */
      capacity?: number
      /** @default false */
      seated?: boolean
      categories?: string[]
    }
    TicketType: {
      /** Format: uuid */
      id: string
      name: string
      price: components['schemas']['Money']
      capacity: number
      seated: boolean
      categories?: string[]
    }
    EventPatch: {
      /** Format: line */
      name?: string
      /** Format: text */
      description?: string
      /** Format: line */
      category?: string
      performers?: string[]
      topics?: string[]
      /** Format: line */
      url?: string
      /** Format: line */
      image?: string
      online?: boolean
      /** Format: uuid */
      venue?: string
      /** Format: date-time */
      startsAt?: string
      /** Format: date-time */
      endsAt?: string
      timeZone?: components['schemas']['TimeZone']
      /** Format: date-time */
      salesStart?: string
      /** Format: date-time */
      salesEnd?: string
      maxPerOrder?: number
      maxPerAccount?: number
      highDemand?: boolean
      /** Format: date-time */
      refundableUntil?: string
      ticketTypes?: components['schemas']['NewTicketType'][]
    }
    NewEvent: {
      /** Format: line */
      name: string
      /** Format: text */
      description?: string
      /** Format: line */
      category?: string
      performers?: string[]
      topics?: string[]
      /** Format: line */
      url?: string
      /** Format: line */
      image?: string
      online?: boolean
      /** Format: uuid */
      venue: string
      /** Format: date-time */
      startsAt: string
      /** Format: date-time */
      endsAt: string
      timeZone?: components['schemas']['TimeZone']
      /** Format: date-time */
      salesStart?: string
      /** Format: date-time */
      salesEnd?: string
      maxPerOrder?: number
      maxPerAccount?: number
      highDemand?: boolean
      /** Format: date-time */
      refundableUntil?: string
      ticketTypes?: components['schemas']['NewTicketType'][]
    }
    Availability: {
      available: number
      held: number
      booked: number
      /** @enum {string} */
      status: 'available' | 'few' | 'sold_out'
    }
    Event: {
      /** Format: uuid */
      id: string
      slug: string
      name: string
      description: string
      category: string
      performers?: string[]
      topics?: string[]
      url?: string
      image?: string
      online?: boolean
      /** @description Where an imported event was first published */
      source?: string
      /** Format: date-time */
      startsAt: string
      /** Format: date-time */
      endsAt: string
      timeZone: string
      venue: components['schemas']['EventVenue']
      ticketTypes: components['schemas']['TicketType'][]
      /** Format: date-time */
      salesStart: string
      /** Format: date-time */
      salesEnd: string
      maxPerOrder: number
      maxPerAccount: number
      highDemand: boolean
      /** Format: date-time */
      refundableUntil?: string
      /** @enum {string} */
      status: 'draft' | 'published' | 'cancelled'
      availability: components['schemas']['Availability']
      /** Format: int64 */
      version: number
    }
    EventPage: {
      items: components['schemas']['Event'][]
      next?: string
    }
    EventPlan: {
      /** Format: int64 */
      version: number
      width: number
      height: number
      ticketTypes: string[]
      zones: string[]
      kinds?: string[]
      areas?: components['schemas']['PlanArea'][]
      /** @description One array per column; entry n describes unit n. ticketType, zone and kind are indices. */
      units: {
        ticketType: number[]
        zone: number[]
        row: string[]
        number: string[]
        x: number[]
        y: number[]
        kind: number[]
      }
    }
    /** @description A shape that is drawn but not sold, such as a stage or a bar. x and y are the top left corner of its bounding box. */
    PlanArea: {
      /** @enum {string} */
      shape: 'rectangle' | 'ellipse' | 'polygon' | 'text'
      /** @enum {string} */
      kind?: 'stage'
      x: number
      y: number
      width: number
      height: number
      /** @description Only for polygons: alternating x and y */
      points?: number[]
      text?: string
    }
    ImportReport: {
      created: number
      updated: number
      unchanged: number
      rejected: number
      /** @description Why reading stopped early, if it did */
      error?: string
      results: components['schemas']['ImportResult'][]
    }
    ImportResult: {
      line: number
      /** @enum {string} */
      status: 'created' | 'updated' | 'unchanged' | 'rejected'
      /** Format: uuid */
      id?: string
      name?: string
      code?: string
      detail?: string
    }
    /** @description At most 100,000 seats, or fewer if their ids and texts take more than 300 bytes each. A null value counts as missing. The size of a plan without one is computed from its seats. Coordinates are in the plan's own unit, within a million of its origin. */
    SeatingPlan: {
      /** Format: line */
      name: string
      size?: {
        width?: number | null
        height?: number | null
      } | null
      categories?:
        | {
            /** Format: line */
            name: string
            /** Format: line */
            color?: string | null
          }[]
        | null
      zones: components['schemas']['PlanZone'][]
    }
    PlanPosition: {
      x?: number | null
      y?: number | null
    } | null
    PlanZone: {
      /** Format: line */
      name?: string | null
      /** Format: line */
      zone_id?: string | null
      position?: components['schemas']['PlanPosition']
      /** @description Shapes that are drawn but not sold; the first 500 valid ones are shown */
      areas?: (Record<string, unknown> | null)[] | null
      rows?:
        | ({
            /** Format: line */
            row_number?: string | null
            /** Format: line */
            row_label?: string | null
            position?: components['schemas']['PlanPosition']
            seats?: components['schemas']['PlanSeat'][] | null
          } | null)[]
        | null
    } | null
    PlanSeat: {
      seat_guid: string
      /** Format: line */
      seat_number?: string | null
      position?: components['schemas']['PlanPosition']
      /** Format: line */
      category: string
      /** @enum {string|null} */
      kind?: '' | 'wheelchair' | 'companion' | null
      /** Format: line */
      note?: string | null
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
    Id: string
    /** @description ETag of the version that the change is based on; 428 if missing, 412 if outdated */
    IfMatch: string
    IdempotencyKey: string
  }
  requestBodies: never
  headers: never
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  listEvents: {
    parameters: {
      query?: {
        cursor?: string
        limit?: number
        /** @description Only events that end at or after this time */
        from?: string
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
          'application/json': components['schemas']['EventPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  createEvent: {
    parameters: {
      query?: never
      header?: {
        'Idempotency-Key'?: components['parameters']['IdempotencyKey']
      }
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['NewEvent']
      }
    }
    responses: {
      /** @description The draft */
      201: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Event']
        }
      }
      default: components['responses']['Problem']
    }
  }
  importEvents: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/x-ndjson': unknown
        'application/json': unknown
        'application/ld+json': unknown
        'text/calendar': unknown
        'application/octet-stream': unknown
      }
    }
    responses: {
      /** @description The result of each record */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['ImportReport']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getEvent: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The event */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Event']
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
  updateEvent: {
    parameters: {
      query?: never
      header?: {
        /** @description ETag of the version that the change is based on; 428 if missing, 412 if outdated */
        'If-Match'?: components['parameters']['IfMatch']
      }
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['EventPatch']
      }
    }
    responses: {
      /** @description Changed */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Event']
        }
      }
      default: components['responses']['Problem']
    }
  }
  publishEvent: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Published */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Event']
        }
      }
      default: components['responses']['Problem']
    }
  }
  cancelEvent: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
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
          'application/json': components['schemas']['Event']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getEventPlan: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The units as columns */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['EventPlan']
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
  listMerchantEvents: {
    parameters: {
      query?: {
        cursor?: string
        limit?: number
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
          'application/json': components['schemas']['EventPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getMerchantEvent: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The event */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Event']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listVenues: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Venues */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['VenueList']
        }
      }
      default: components['responses']['Problem']
    }
  }
  createVenue: {
    parameters: {
      query?: never
      header?: {
        'Idempotency-Key'?: components['parameters']['IdempotencyKey']
      }
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['NewVenue']
      }
    }
    responses: {
      /** @description Created */
      201: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Venue']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getVenue: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The venue */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Venue']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getSeatingPlan: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The plan */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['SeatingPlan']
        }
      }
      default: components['responses']['Problem']
    }
  }
  putSeatingPlan: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['Id']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['SeatingPlan']
      }
    }
    responses: {
      /** @description The venue with its new plan */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Venue']
        }
      }
      default: components['responses']['Problem']
    }
  }
}
