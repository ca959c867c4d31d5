// Generated from services/notification/rest/openapi.yaml; do not edit.
export interface paths {
  '/api/v1/notifications': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List notifications, newest first */
    get: operations['listNotifications']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/notifications/read': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Mark notifications up to a time as read */
    post: operations['markNotificationsRead']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/notifications/stream': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Stream new notifications as server-sent events, one `notification` event each */
    get: operations['streamNotifications']
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
    Notification: {
      /** Format: uuid */
      id: string
      /** @enum {string} */
      kind:
        | 'booking_confirmed'
        | 'booking_expired'
        | 'booking_failed'
        | 'booking_cancelled'
        | 'booking_refunded'
        | 'booking_partly_refunded'
        | 'booking_refund_delayed'
        | 'booking_refund_refused'
        | 'booking_refund_failed'
        | 'hold_expired'
        | 'your_turn'
      /** Format: uuid */
      event?: string
      /** Format: uuid */
      booking?: string
      /** Format: uuid */
      hold?: string
      /** Format: date-time */
      at: string
      read: boolean
      refund?: components['schemas']['RefundNotice']
    }
    /** @description The refund that the notification reports; absent from other notifications */
    RefundNotice: {
      amount: components['schemas']['Money']
      /** @description Ids of the refunded units */
      units: string[]
    }
    Money: {
      /**
       * Format: int64
       * @description In minor units of the currency (ISO 4217)
       */
      amount: number
      currency: string
    }
    NotificationPage: {
      items: components['schemas']['Notification'][]
      /** @description Cursor of the next page; absent on the last */
      next?: string
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
  parameters: never
  requestBodies: never
  headers: never
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  listNotifications: {
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
      /** @description A page of notifications */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['NotificationPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  markNotificationsRead: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          /** Format: date-time */
          until: string
        }
      }
    }
    responses: {
      /** @description Marked as read */
      204: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  streamNotifications: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A stream of Notification objects */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'text/event-stream': {
            id?: string
            /** @enum {string} */
            event: 'notification'
            /** @description JSON: a Notification */
            data: string
          }
        }
      }
      default: components['responses']['Problem']
    }
  }
}
