// Generated from services/payment/rest/openapi.yaml; do not edit.
export interface paths {
  '/webhooks/stripe': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Stripe tells of an event
     * @description The signature is checked over the body as it came, with a tolerance of 300 seconds. One event has one effect, however often it is sent.
     */
    post: operations['receiveWebhook']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/payment-provider': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Where and how a browser pays */
    get: operations['getPaymentProvider']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/reconciliation': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** The last reconciliation, or the one asked for; as JSON or CSV */
    get: operations['getReconciliation']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/reconciliation/run': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Reconcile now
     * @description Answers when it is done. Without a period it looks back 48 hours.
     */
    post: operations['runReconciliation']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/reconciliation/refunds': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Refunds that failed for good while the money is owed, the longest waiting first */
    get: operations['listOwingRefunds']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/reconciliation/refunds/{refund}/retry': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Have the provider make a refund again that failed for good */
    post: operations['retryRefund']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/reconciliation/refunds/{refund}/resolve': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Note that the money of a refund that failed for good went back by other means */
    post: operations['resolveRefund']
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
    OwingRefund: {
      /** Format: uuid */
      refund: string
      /** Format: uuid */
      payment: string
      /**
       * Format: int64
       * @description Minor units of the payment's currency
       */
      amount: number
      /** @enum {string} */
      status: 'requested' | 'pending' | 'succeeded' | 'retrying' | 'failed'
      attempts: number
      /** @description Why the last attempt failed, in the provider's word */
      failure: string
      /** Format: date-time */
      requestedAt: string
      /** Format: date-time */
      resolvedAt?: string
      resolution?: string
    }
    PaymentProvider: {
      /** @enum {string} */
      provider: 'stripe' | 'simulator'
      publishableKey: string
      /** @description Of the simulator: the origin whose card form is framed */
      formUrl?: string
    }
    Reconciliation: {
      /** Format: uuid */
      id?: string
      /**
       * @description none: there was no run yet; clean: nothing is left to do
       * @enum {string}
       */
      status: 'none' | 'clean' | 'findings' | 'failed'
      /** @enum {string} */
      trigger?: 'schedule' | 'request'
      /** Format: date-time */
      from?: string
      /** Format: date-time */
      to?: string
      /** Format: date-time */
      startedAt?: string
      /** Format: date-time */
      finishedAt?: string
      /** @description Why a side could not be read, as a code */
      failure?: string
      checked?: {
        intents: number
        payments: number
        refunds: number
        bookings: number
        /** @description Refunds from before the period that the provider was not asked for, because one run asks for so many only. They are no findings: they may well be there */
        refundsNotAsked: number
      }
      healed?: number
      findings: components['schemas']['Finding'][]
      balances?: components['schemas']['Balance'][]
    }
    Finding: {
      /** @enum {string} */
      kind:
        | 'captured_without_booking'
        | 'booking_without_capture'
        | 'amount_mismatch'
        | 'refund_missing_here'
        | 'refund_missing_there'
        | 'orphan_intent'
        | 'stuck'
        | 'ledger_imbalance'
        | 'webhook_refused'
        | 'payment_disputed'
        | 'refund_owing'
        | 'booking_set_aside'
      /** Format: uuid */
      payment?: string
      /** Format: uuid */
      booking?: string
      /** Format: uuid */
      refund?: string
      intent?: string
      /**
       * Format: int64
       * @description Minor units
       */
      expected: number
      /**
       * Format: int64
       * @description Minor units
       */
      actual: number
      currency?: string
      detail: string
      /**
       * @description What was tried; absent where a person has to look
       * @enum {string}
       */
      remedy?: 'apply' | 'void' | 'refund_again'
      healed: boolean
      /** @description Why the remedy did not work, as a code */
      failure?: string
    }
    Balance: {
      /** @enum {string} */
      account:
        'provider_clearing' | 'provider_balance' | 'provider_fees' | 'sales' | 'refund_clearing' | 'paid_otherwise'
      currency: string
      /**
       * Format: int64
       * @description Minor units; positive is a debit
       */
      amount: number
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
    RefundId: string
  }
  requestBodies: never
  headers: never
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  receiveWebhook: {
    parameters: {
      query?: never
      header?: {
        'Stripe-Signature'?: string
      }
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': Record<string, unknown>
      }
    }
    responses: {
      /** @description Taken; or taken before */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': {
            received: boolean
          }
        }
      }
      400: components['responses']['Problem']
      422: components['responses']['Problem']
      default: components['responses']['Problem']
    }
  }
  getPaymentProvider: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The provider */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['PaymentProvider']
        }
      }
      default: components['responses']['Problem']
    }
  }
  getReconciliation: {
    parameters: {
      query?: {
        run?: string
        format?: 'json' | 'csv'
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The report */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Reconciliation']
          'text/csv': string
        }
      }
      default: components['responses']['Problem']
    }
  }
  runReconciliation: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: {
      content: {
        'application/json': {
          /** Format: date-time */
          from?: string
          /** Format: date-time */
          to?: string
        }
      }
    }
    responses: {
      /** @description The report */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Reconciliation']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listOwingRefunds: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description What waits for an admin, a hundred at most */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': {
            items: components['schemas']['OwingRefund'][]
          }
        }
      }
      default: components['responses']['Problem']
    }
  }
  retryRefund: {
    parameters: {
      query?: never
      header?: never
      path: {
        refund: components['parameters']['RefundId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description It is made within seconds */
      202: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['OwingRefund']
        }
      }
      default: components['responses']['Problem']
    }
  }
  resolveRefund: {
    parameters: {
      query?: never
      header?: never
      path: {
        refund: components['parameters']['RefundId']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          /**
           * Format: line
           * @description How, such as the reference of a bank transfer. No names, no account numbers.
           */
          how: string
        }
      }
    }
    responses: {
      /** @description It is noted */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['OwingRefund']
        }
      }
      default: components['responses']['Problem']
    }
  }
}
