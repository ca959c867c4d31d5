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
    /** Where you stand */
    get: operations['getQueuePlace']
    put?: never
    /** Join the line. An account has one place; asking again gives the same */
    post: operations['joinQueue']
    /** Give your place up */
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
    /** Server-sent events, `tick` each time the line moves, the same for everyone */
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
    /** Exchange your place for a pass, when it is your turn. Asking again gives the same pass */
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
    /** Settings and figures, for the event's merchant and admins */
    get: operations['getQueueSettings']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    /** Change settings; they hold from the next second on */
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
    /** What anyone needs to check the order of those who came before the opening */
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
    /** The drawn entries in the order of arrival, up to 4096 at a time, once the draw is held */
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
       * @description Your number in the line; it is your turn when `served` reaches it. 0: still to be drawn
       */
      number: number
      /**
       * Format: int64
       * @description 1 is the next; 0: your turn has come, or is still to be drawn
       */
      position: number
      /** Format: int64 */
      ahead: number
      /**
       * Format: int64
       * @description Absent when nobody can know
       */
      etaSeconds?: number
      state: components['schemas']['PlaceState']
      /**
       * Format: date-time
       * @description While in the lobby
       */
      opensAt?: string
      /**
       * Format: date-time
       * @description End of your pass, when admitted
       */
      expiresAt?: string
    }
    /**
     * @description lobby: not open yet. waiting: in the line. paused: the line does not move just now. sold_out: you are on the
     *     waiting list. your_turn: ask for admission. admitted: you have a pass. missed: your turn is over; join again.
     *     closed: the room is shut.
     * @enum {string}
     */
    PlaceState: 'lobby' | 'waiting' | 'paused' | 'sold_out' | 'your_turn' | 'admitted' | 'missed' | 'closed'
    /** @enum {string} */
    LineState: 'lobby' | 'open' | 'paused' | 'sold_out' | 'closed'
    Tick: {
      /**
       * Format: int64
       * @description Numbers up to here may come in
       */
      served: number
      /**
       * Format: int64
       * @description Numbers up to here had their turn
       */
      lapsed?: number
      /**
       * Format: int64
       * @description How many have joined
       */
      joined?: number
      /**
       * Format: date-time
       * @description The moment this was so
       */
      at?: string
      /**
       * Format: double
       * @description People per second let in lately
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
      /** @description People inside at once */
      concurrency?: number
      open?: boolean
      paused?: boolean
      /**
       * @description Only before the opening
       * @enum {string}
       */
      order?: 'fifo' | 'shuffle'
      /**
       * Format: date-time
       * @description Never before the sale starts
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
      /** @description People whose turn it is and who have not come yet */
      unclaimed: number
      /** @description Valid passes */
      inside: number
      /** Format: double */
      measuredRate?: number
    }
    Draw: {
      /** @enum {string} */
      order: 'fifo' | 'shuffle'
      algorithm: string
      /** @description SHA-256 of the seed, hex */
      commitment?: string
      /** Format: date-time */
      committedAt?: string
      /** @description Hex; after the draw */
      seed?: string
      /** Format: int64 */
      count?: number
      /** @description Hex; after the draw */
      digest?: string
      /** Format: date-time */
      heldAt?: string
    }
    DrawEntries: {
      /** Format: int64 */
      from: number
      /** @description Hex; SHA-256 of event id, colon, account id */
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
    /** @description The `place` that joining gave */
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
        /** @description The `place` that joining gave */
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
      /** @description The place that was there */
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
      /** @description Done */
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
        /** @description The `place` that joining gave */
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
