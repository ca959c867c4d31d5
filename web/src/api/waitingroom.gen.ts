// Generated from services/waitingroom/rest/openapi.yaml; do not edit.
export interface paths {
  '/api/v1/events/{event}/queue': {
    parameters: {
      query?: never
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    /** Get your place and position */
    get: operations['getQueuePlace']
    put?: never
    /** Join the queue; an account has one place, and joining again returns it */
    post: operations['joinQueue']
    /** Leave the queue */
    delete: operations['leaveQueue']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{event}/queue/stream': {
    parameters: {
      query?: never
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    /** Stream the queue as server-sent events: a `tick` each time it advances, the same for everyone */
    get: operations['streamQueue']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{event}/queue/admission': {
    parameters: {
      query?: never
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    get?: never
    put?: never
    /** Exchange your place for an admission pass when it is your turn; a repeated request returns the same pass */
    post: operations['claimAdmission']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{event}/queue/settings': {
    parameters: {
      query?: never
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    /** Get settings and statistics, for the event's merchant and admins */
    get: operations['getQueueSettings']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    /** Change settings; changes apply within a second */
    patch: operations['changeQueueSettings']
    trace?: never
  }
  '/api/v1/events/{event}/queue/draw': {
    parameters: {
      query?: never
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    /** Get the data that verifies the draw of those who joined before the opening */
    get: operations['getQueueDraw']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/events/{event}/queue/draw/entries': {
    parameters: {
      query?: {
        /** @description Arrival number of the first entry */
        from?: number
      }
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    /** List the entries of the draw in order of arrival, up to 4096 per request; available after the draw */
    get: operations['listQueueDrawEntries']
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
    Place: {
      /** @description Signed proof of your place; send it as Queue-Place */
      place: string
      /**
       * Format: int64
       * @description Your number in the queue; it is your turn when `served` reaches it. 0: not drawn yet
       */
      number: number
      /**
       * Format: int64
       * @description 1: you are next. 0: it is your turn, or your number is not drawn yet
       */
      position: number
      /** Format: int64 */
      ahead: number
      /**
       * Format: int64
       * @description Estimated wait; absent if there is no estimate
       */
      etaSeconds?: number
      state: components['schemas']['PlaceState']
      /**
       * Format: date-time
       * @description In the lobby: when admission begins
       */
      opensAt?: string
      /**
       * Format: date-time
       * @description When your pass expires, if admitted
       */
      expiresAt?: string
    }
    /**
     * @description lobby: sales have not opened. waiting: in the queue. paused: the queue is paused. sold_out: you are on the
     *     waiting list. your_turn: request admission. admitted: you have a pass. missed: your turn is over; join again.
     *     closed: the waiting room is closed.
     * @enum {string}
     */
    PlaceState: 'lobby' | 'waiting' | 'paused' | 'sold_out' | 'your_turn' | 'admitted' | 'missed' | 'closed'
    /** @enum {string} */
    LineState: 'lobby' | 'open' | 'paused' | 'sold_out' | 'closed'
    Tick: {
      /**
       * Format: int64
       * @description People with numbers up to this one have been admitted
       */
      served: number
      /**
       * Format: int64
       * @description The turns of numbers up to this one are over
       */
      lapsed?: number
      /**
       * Format: int64
       * @description Number of people who have joined
       */
      joined?: number
      /**
       * Format: date-time
       * @description Time of this state
       */
      at?: string
      /**
       * Format: double
       * @description People admitted per second, recently
       */
      rate: number
      state: components['schemas']['LineState']
      /** Format: date-time */
      opensAt?: string
    }
    Admission: {
      pass: string
      /** Format: date-time */
      expiresAt: string
    }
    SettingsChange: {
      /**
       * Format: double
       * @description People per second
       */
      rate?: number
      /** @description Limit of open turns and valid passes */
      concurrency?: number
      open?: boolean
      paused?: boolean
      /**
       * @description Can be changed only before the opening
       * @enum {string}
       */
      order?: 'fifo' | 'shuffle'
      /**
       * Format: date-time
       * @description Not before sales start
       */
      opensAt?: string
      claimWindowSeconds?: number
    }
    Settings: {
      /** Format: double */
      rate: number
      concurrency: number
      open: boolean
      paused: boolean
      /** @enum {string} */
      order: 'fifo' | 'shuffle'
      /** Format: date-time */
      opensAt: string
      claimWindowSeconds: number
      state: components['schemas']['LineState']
      /** Format: int64 */
      served: number
      /** Format: int64 */
      joined: number
      /** Format: int64 */
      waiting: number
      /** @description Turns that have not been claimed yet */
      unclaimed: number
      /** @description Number of valid passes */
      inside: number
      /** Format: double */
      measuredRate?: number
    }
    Draw: {
      /** @enum {string} */
      order: 'fifo' | 'shuffle'
      algorithm: string
      /** @description SHA-256 of the seed, in hex */
      commitment?: string
      /** Format: date-time */
      committedAt?: string
      /** @description In hex; available after the draw */
      seed?: string
      /** Format: int64 */
      count?: number
      /** @description In hex; available after the draw */
      digest?: string
      /** Format: date-time */
      heldAt?: string
    }
    DrawEntries: {
      /** Format: int64 */
      from: number
      /** @description In hex: SHA-256 of event id, colon, account id */
      entries: string[]
      /** Format: int64 */
      next?: number
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
    /** @description The `place` returned by joining */
    QueuePlace: string
  }
  requestBodies: never
  headers: never
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  getQueuePlace: {
    parameters: {
      query?: never
      header?: {
        /** @description The `place` returned by joining */
        'Queue-Place'?: components['parameters']['QueuePlace']
      }
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The place */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Place']
        }
      }
      default: components['responses']['Problem']
    }
  }
  joinQueue: {
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
      /** @description The account's existing place */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Place']
        }
      }
      /** @description A new place */
      201: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Place']
        }
      }
      default: components['responses']['Problem']
    }
  }
  leaveQueue: {
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
      /** @description Left the queue */
      204: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  streamQueue: {
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
      /** @description A stream of Tick objects */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'text/event-stream': {
            id?: string
            /** @enum {string} */
            event: 'tick'
            /** @description JSON: a Tick */
            data: string
          }
        }
      }
      default: components['responses']['Problem']
    }
  }
  claimAdmission: {
    parameters: {
      query?: never
      header?: {
        /** @description The `place` returned by joining */
        'Queue-Place'?: components['parameters']['QueuePlace']
      }
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The pass */
      201: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Admission']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getQueueSettings: {
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
      /** @description The settings */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Settings']
        }
      }
      default: components['responses']['Problem']
    }
  }
  changeQueueSettings: {
    parameters: {
      query?: never
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['SettingsChange']
      }
    }
    responses: {
      /** @description The settings */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Settings']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getQueueDraw: {
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
      /** @description The draw */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Draw']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listQueueDrawEntries: {
    parameters: {
      query?: {
        /** @description Arrival number of the first entry */
        from?: number
      }
      header?: never
      path: {
        event: components['parameters']['EventId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Entries */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['DrawEntries']
        }
      }
      default: components['responses']['Problem']
    }
  }
}
