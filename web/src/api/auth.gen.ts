// Generated from services/auth/rest/openapi.yaml; do not edit.
export interface paths {
  '/auth/login': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Redirect to the sign-in page */
    get: operations['login']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/auth/callback': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Redirect target of the sign-in page (OpenID Connect) */
    get: operations['callback']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/auth/logout': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Sign out; ends the session here and at Keycloak */
    post: operations['logout']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/auth/session': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Get the signed-in account */
    get: operations['getSession']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/auth/backchannel-logout': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** End a session on Keycloak's request (OpenID Connect Back-Channel Logout 1.0) */
    post: operations['backchannelLogout']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/accounts': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Register an account
     * @description The response is the same whether or not an account with this address exists. An email follows: it has a link to confirm the address, or says how to sign in to the existing account. At most three such emails per hour are sent to an address.
     */
    post: operations['register']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/accounts/confirmation': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Confirm an email address with the token of an emailed link
     * @description A browser session is renewed on its next request. A client with its own tokens must refresh them: until then its access token says that the address is not confirmed, and is refused with `email_unverified`.
     */
    post: operations['confirmEmail']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/accounts/password-reset': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Email a link to set a new password; the response does not reveal whether the account exists
     * @description At most three emails per hour are sent to an address. A link works once, for an hour, and only the newest works.
     */
    post: operations['requestPasswordReset']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/accounts/password': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Set a new password with the token of an emailed link; ends all sessions of the account */
    post: operations['resetPassword']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/me': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Get my profile */
    get: operations['getMe']
    put?: never
    post?: never
    /**
     * Delete my account
     * @description Requires a sign-in within the last ten minutes, and the account's address as confirmation. The account is locked and signed out at once; its personal data is erased within minutes. Bookings are kept without personal data. A repeated request returns the deletion in progress.
     */
    delete: operations['deleteMe']
    options?: never
    head?: never
    /** Change my profile */
    patch: operations['updateMe']
    trace?: never
  }
  '/api/v1/me/confirmation': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Email another link to confirm my address */
    post: operations['requestConfirmation']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/me/deletion': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List what prevents deleting my account now */
    get: operations['previewDeletion']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/me/export': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * Export all data stored about my account
     * @description Requires a sign-in within the last ten minutes. The export is complete or refused: while a service is down, the response is 503.
     */
    get: operations['exportMe']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/deletions': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List accounts that are being deleted, with their progress */
    get: operations['listDeletions']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/users': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List or search accounts, for admins */
    get: operations['listUsers']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/v1/admin/users/{id}': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    /**
     * Grant or revoke the roles merchant and admin; lock or unlock an account
     * @description Ends the account's existing sessions and tokens. Admins cannot lock or demote themselves, so one admin always remains.
     */
    patch: operations['updateUser']
    trace?: never
  }
  '/api/v1/admin/audit': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** List the audit trail of accounts, newest first */
    get: operations['listAudit']
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
    /** @enum {string} */
    Locale: 'en' | 'de' | 'es' | 'fr' | 'vi' | 'ja' | 'ar'
    /** @enum {string} */
    AuditKind:
      | 'sign_in'
      | 'sign_in_failed'
      | 'sign_out'
      | 'locked_out'
      | 'credential_changed'
      | 'token_refused'
      | 'console'
      | 'registered'
      | 'registered_again'
      | 'email_confirmed'
      | 'password_reset_requested'
      | 'password_reset'
      | 'account_locked'
      | 'account_unlocked'
      | 'roles_changed'
      | 'account_deleted'
      | 'data_exported'
    AuditEntry: {
      /** Format: uuid */
      id: string
      /** Format: date-time */
      at: string
      kind: components['schemas']['AuditKind']
      account?: components['schemas']['AuditAccount']
      actor?: components['schemas']['AuditAccount']
      /** @description IP address */
      address?: string
      detail: {
        [key: string]: unknown
      }
    }
    AuditAccount: {
      id: string
      /** @description Absent if the account has been deleted */
      email?: string
    }
    AuditPage: {
      items: components['schemas']['AuditEntry'][]
      next?: string
    }
    Session: {
      account: string
      email: string
      name: string
      roles: string[]
      locale: string
    }
    Profile: {
      account: string
      email: string
      emailVerified: boolean
      name: string
      locale: string
      roles: string[]
      enabled: boolean
      /** Format: date-time */
      createdAt?: string
    }
    ProfilePage: {
      items: components['schemas']['Profile'][]
      next?: string
    }
    Obstacle: {
      /** @enum {string} */
      code: 'admin_role' | 'events_on_sale' | 'open_bookings' | 'upcoming_tickets'
      count: number
      /** @description Whether `forfeitTickets` overrides it */
      waivable: boolean
    }
    DeletionPreview: {
      obstacles: components['schemas']['Obstacle'][]
    }
    DeletionBegun: {
      /** Format: date-time */
      requestedAt: string
    }
    PendingDeletion: {
      account: string
      /** Format: date-time */
      requestedAt: string
      /** @description Services that have erased the account's data */
      erased: string[]
      /** @description The service that did not answer in the last attempt */
      waitingFor?: string
      /** @description Whether the deletion has taken longer than a day */
      stuck: boolean
    }
    DeletionPage: {
      items: components['schemas']['PendingDeletion'][]
    }
    Export: {
      account: string
      /** Format: date-time */
      exportedAt: string
      profile: components['schemas']['Profile']
      /** @description Lists of records: bookings, payments, messages, waitingRooms, events, venues, sessions */
      data: {
        [key: string]: Record<string, unknown>[]
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
  parameters: never
  requestBodies: never
  headers: never
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  login: {
    parameters: {
      query?: {
        /** @description Path on this site to return to after sign-in; any other value is replaced by / */
        return_to?: string
        locale?: string
        /** @description Ask for the password even if there is a session */
        again?: boolean
        /** @description Register a passkey or security key after signing in; for admins it becomes the second factor */
        add_passkey?: boolean
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Redirect to the sign-in page */
      302: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  callback: {
    parameters: {
      query?: {
        code?: string
        state?: string
        error?: string
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Redirect to the page where the sign-in began */
      302: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  logout: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Signed out */
      204: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  getSession: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The account */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Session']
        }
      }
      401: components['responses']['Problem']
    }
  }
  backchannelLogout: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/x-www-form-urlencoded': {
          logout_token: string
        }
      }
    }
    responses: {
      /** @description Ended */
      200: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  register: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          email: string
          /**
           * Format: password
           * @description 10 to 128 characters; not a common password, and not derived from the address or the name
           */
          password: string
          /** @description 1 to 100 characters */
          name: string
          locale?: components['schemas']['Locale']
        }
      }
    }
    responses: {
      /** @description Accepted; an email follows */
      202: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      422: components['responses']['Problem']
      429: components['responses']['Problem']
      default: components['responses']['Problem']
    }
  }
  confirmEmail: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          token: string
        }
      }
    }
    responses: {
      /** @description Confirmed */
      204: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      410: components['responses']['Problem']
      default: components['responses']['Problem']
    }
  }
  requestPasswordReset: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          email: string
        }
      }
    }
    responses: {
      /** @description Accepted; an email follows if the account exists */
      202: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      422: components['responses']['Problem']
      429: components['responses']['Problem']
      default: components['responses']['Problem']
    }
  }
  resetPassword: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          token: string
          /** Format: password */
          password: string
        }
      }
    }
    responses: {
      /** @description The password was set */
      204: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      410: components['responses']['Problem']
      422: components['responses']['Problem']
      default: components['responses']['Problem']
    }
  }
  getMe: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The profile */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Profile']
        }
      }
      default: components['responses']['Problem']
    }
  }
  deleteMe: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          /** @description The address of the account */
          confirm: string
          /** @description Give up the tickets of events that have not ended */
          forfeitTickets?: boolean
        }
      }
    }
    responses: {
      /** @description The deletion has begun */
      202: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['DeletionBegun']
        }
      }
      403: components['responses']['Problem']
      409: components['responses']['Problem']
      422: components['responses']['Problem']
      default: components['responses']['Problem']
    }
  }
  updateMe: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          /** @description 1 to 100 characters */
          name?: string
          locale?: components['schemas']['Locale']
        }
      }
    }
    responses: {
      /** @description The profile */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Profile']
        }
      }
      default: components['responses']['Problem']
    }
  }
  requestConfirmation: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description Accepted; an email follows unless the address is confirmed already */
      202: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      default: components['responses']['Problem']
    }
  }
  previewDeletion: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The obstacles; an empty list if there are none */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['DeletionPreview']
        }
      }
      default: components['responses']['Problem']
    }
  }
  exportMe: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The export as a file */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Export']
        }
      }
      403: components['responses']['Problem']
      503: components['responses']['Problem']
      default: components['responses']['Problem']
    }
  }
  listDeletions: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The first 100 */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['DeletionPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listUsers: {
    parameters: {
      query?: {
        q?: string
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
          'application/json': components['schemas']['ProfilePage']
        }
      }
      default: components['responses']['Problem']
    }
  }
  updateUser: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: string
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': {
          roles?: ('customer' | 'merchant' | 'admin')[]
          enabled?: boolean
        }
      }
    }
    responses: {
      /** @description The profile */
      200: {
        headers: {
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Profile']
        }
      }
      default: components['responses']['Problem']
    }
  }
  listAudit: {
    parameters: {
      query?: {
        account?: string
        kind?: components['schemas']['AuditKind']
        from?: string
        to?: string
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
          'application/json': components['schemas']['AuditPage']
        }
      }
      default: components['responses']['Problem']
    }
  }
}
