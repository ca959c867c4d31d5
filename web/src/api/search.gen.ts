// Generated from services/search/rest/openapi.yaml; do not edit.
export interface paths {
  '/api/v1/search': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Events by text and filters */
    get: operations['searchEvents']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/search/suggest': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Up to eight events, venues and cities that begin like this */
    get: operations['suggest']
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
      currency: string
    }
    Location: {
      /** Format: double */
      lat: number
      /** Format: double */
      lon: number
    }
    FoundVenue: {
      /** Format: uuid */
      id: string
      name: string
      city: string
      country: string
      location?: components['schemas']['Location']
    }
    FoundAvailability: {
      available: number
      held: number
      booked: number
      /** @enum {string} */
      status: 'available' | 'few' | 'sold_out'
    }
    FoundPrice: {
      from: components['schemas']['Money']
      to: components['schemas']['Money']
    }
    FoundEvent: {
      /** Format: uuid */
      id: string
      slug: string
      name: string
      /** @description Its first 300 characters */
      description: string
      category: string
      performers: string[]
      topics: string[]
      url?: string
      image?: string
      online: boolean
      /** Format: date-time */
      startsAt: string
      /** Format: date-time */
      endsAt: string
      timeZone: string
      venue: components['schemas']['FoundVenue']
      price?: components['schemas']['FoundPrice']
      highDemand: boolean
      /** @enum {string} */
      status: 'published'
      availability: components['schemas']['FoundAvailability']
      /** Format: int64 */
      version: number
      /**
       * Format: double
       * @description Kilometres from `near`
       */
      distance?: number
      /** @description Fragments in HTML by field (name, performers, venue, city, description): escaped text with matches in <mark> */
      highlights: {
        [key: string]: string[]
      }
    }
    Bucket: {
      value: string
      /** Format: int64 */
      count: number
    }
    /** @description Events whose cheapest ticket costs from `from` up to, not including, `to` */
    PriceBucket: {
      /** Format: int64 */
      from: number
      /** Format: int64 */
      to?: number
      currency: string
      /** Format: int64 */
      count: number
    }
    /** @description Each is counted under all filters but its own, so that a chosen option keeps its siblings */
    Facets: {
      category: components['schemas']['Bucket'][]
      city: components['schemas']['Bucket'][]
      /** @description By month of the start where it takes place, as 2027-05 */
      month: components['schemas']['Bucket'][]
      price: components['schemas']['PriceBucket'][]
    }
    SearchPage: {
      items: components['schemas']['FoundEvent'][]
      /** Format: int64 */
      total: number
      /**
       * Format: int64
       * @description Milliseconds
       */
      took: number
      facets?: components['schemas']['Facets']
      next?: string
    }
    Suggestion: {
      /** @enum {string} */
      type: 'event' | 'venue' | 'city'
      text: string
      /**
       * Format: uuid
       * @description Of an event
       */
      event?: string
      /**
       * Format: date-time
       * @description Of an event
       */
      startsAt?: string
      city?: string
      country?: string
      /**
       * Format: int64
       * @description Events in this city or venue
       */
      count: number
    }
    Suggestions: {
      items: components['schemas']['Suggestion'][]
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
  parameters: never
  requestBodies: never
  headers: never
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  searchEvents: {
    parameters: {
      query?: {
        /** @description Name, performer, venue, city, topic, month, words of the description */
        q?: string
        /** @description Any of these */
        category?: string[]
        /** @description Any of these; accents and case do not matter */
        city?: string[]
        /** @description Any of these */
        topic?: string[]
        /** @description Starts at or after: a date, which is a day at the event's place, or a time */
        from?: string
        /** @description Starts at or before: a date, which is a day at the event's place, or a time */
        to?: string
        /** @description lat,lon: nearer events rank higher */
        near?: string
        /** @description Kilometres around `near`; others are left out */
        radius?: number
        /** @description Minor units; a ticket costs at least this */
        minPrice?: number
        /** @description Minor units; a ticket costs at most this */
        maxPrice?: number
        /** @description Of the prices; needed for a price range */
        currency?: string
        /** @description Only events with tickets left */
        available?: boolean
        sort?: 'relevance' | 'date' | 'price' | 'distance'
        limit?: number
        /** @description `next` of the page before; the question must be the same */
        cursor?: string
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A page of events. `facets` come with the first page. */
      200: {
        headers: {
          /** @description `degraded` while the database answers instead of the index */
          'Foyer-Search'?: 'degraded'
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['SearchPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  suggest: {
    parameters: {
      query: {
        q: string
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Suggestions, best first */
      200: {
        headers: {
          /** @description `degraded` while the database answers instead of the index */
          'Foyer-Search'?: 'degraded'
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Suggestions']
        }
      }
      default: components['responses']['Problem']
    }
  }
}
