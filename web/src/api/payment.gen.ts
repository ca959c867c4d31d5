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
     * Receive a webhook from Stripe
     * @description The signature is verified over the raw body, with a tolerance of 300 seconds. An event takes effect once, however often it is delivered.
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
    /** Get the payment provider and its settings for the browser */
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
    /** Get the report of the last reconciliation, or of a given one, as JSON or CSV */
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
     * Run a reconciliation
     * @description The response is sent when the run has finished. Without a period, it covers the last 48 hours.
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
    /** List failed refunds whose money is still owed, the oldest first */
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
    /** Retry a failed refund at the provider */
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
    /** Record that a failed refund was paid back by other means */
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
      /** @description The provider's code for why the last attempt failed */
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
      /** @description Only for the simulator: the origin of its card form, which is embedded as a frame */
      formUrl?: string
    }
    Reconciliation: {
      /** Format: uuid */
      id?: string
      /**
       * @description none: no run yet. clean: nothing left to do. findings: a person has to act. failed: a source could not be read
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
      /** @description A code for why a source could not be read */
      failure?: string
      checked?: {
        intents: number
        payments: number
        refunds: number
        bookings: number
        /** @description Refunds from before the period that were not looked up at the provider, because a run makes a limited number of lookups. They are not findings */
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
       * @description The automatic repair that was tried; absent if a person has to act
       * @enum {string}
       */
      remedy?: 'apply' | 'void' | 'refund_again'
      healed: boolean
      /** @description A code for why the repair failed */
      failure?: string
    }
    Balance: {
      /** @enum {string} */
      account:
        'provider_clearing' | 'provider_balance' | 'provider_fees' | 'sales' | 'refund_clearing' | 'paid_otherwise'
      currency: string
      /**
       * Format: int64
       * @description In minor units; debits are positive
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
      /** @description Received, now or before */
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
      /** @description The refunds, at most a hundred */
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
      /** @description Accepted; it is retried within seconds */
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
           * @description How it was paid back, such as the reference of a bank transfer. Do not enter names or account numbers.
           */
          how: string
        }
      }
    }
    responses: {
      /** @description Recorded */
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
