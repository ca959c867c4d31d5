// Generated from services/search/rest/openapi.yaml; do not edit.
export interface paths {
  '/api/v1/search': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Search events by text and filters */
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
    /** Suggest up to eight events, venues and cities whose names begin with the text */
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
      /** @description The first 300 characters */
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
       * @description Distance from `near` in kilometres
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
    /** @description Events whose cheapest ticket costs at least `from` and less than `to` */
    PriceBucket: {
      /** Format: int64 */
      from: number
      /** Format: int64 */
      to?: number
      currency: string
      /** Format: int64 */
      count: number
    }
    /** @description Counts per option. Each facet is counted under all filters except its own, so that the alternatives to a selected option are included */
    Facets: {
      category: components['schemas']['Bucket'][]
      city: components['schemas']['Bucket'][]
      /** @description By the month of the start in the event's time zone, such as 2027-05 */
      month: components['schemas']['Bucket'][]
      price: components['schemas']['PriceBucket'][]
    }
    SearchPage: {
      items: components['schemas']['FoundEvent'][]
      /** Format: int64 */
      total: number
      /**
       * Format: int64
       * @description Duration of the search in milliseconds
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
       * @description Only for events
       */
      event?: string
      /**
       * Format: date-time
       * @description Only for events
       */
      startsAt?: string
      city?: string
      country?: string
      /**
       * Format: int64
       * @description Number of events in this city or venue
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
        /** @description Words of the name, performers, venue, city, topics, month or description */
        q?: string
        /** @description Matches any of these */
        category?: string[]
        /** @description Matches any of these; ignores accents and case */
        city?: string[]
        /** @description Matches any of these */
        topic?: string[]
        /** @description Starts at or after this date (in the event's time zone) or time */
        from?: string
        /** @description Starts at or before this date (in the event's time zone) or time */
        to?: string
        /** @description Latitude and longitude in degrees, as `lat,lon`; nearer events rank higher */
        near?: string
        /** @description Only events within this distance of `near`, in kilometres */
        radius?: number
        /** @description Only events with a ticket of at least this price, in minor units of `currency` */
        minPrice?: number
        /** @description Only events with a ticket of at most this price, in minor units of `currency` */
        maxPrice?: number
        /** @description Currency of the price range; required with `minPrice` or `maxPrice` */
        currency?: string
        /** @description Only events with tickets left */
        available?: boolean
        sort?: 'relevance' | 'date' | 'price' | 'distance'
        limit?: number
        /** @description `next` of the previous page; all other parameters must be the same */
        cursor?: string
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A page of events. Only the first page has `facets`. */
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
