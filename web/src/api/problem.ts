/** A service's refusal: RFC 9457 problem details, identified by `code`. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly fields: Record<string, unknown>

  constructor(status: number, code: string, detail: string, fields: Record<string, unknown> = {}) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.fields = fields
  }

  /** Worth a retry: the network or a service was unavailable. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export function toProblem(body: unknown, status: number): Problem {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  const code = typeof fields.code === 'string' ? fields.code : `http_${status}`
  const detail = typeof fields.detail === 'string' ? fields.detail : ''
  return new Problem(status, code, detail, fields)
}

export const offlineProblem = () => new Problem(0, 'offline', '')

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem(0, 'unexpected', error instanceof Error ? error.message : '')
}
