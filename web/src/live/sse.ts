/** Server-sent events (HTML standard, 9.2) out of chunks of text. */
export interface ServerEvent {
  event: string
  data: string
  id: string | null
}

export interface Parser {
  push(chunk: string): void
}

export function parser(
  onEvent: (event: ServerEvent) => void,
  onRetry: (ms: number) => void,
  onAlive: () => void,
): Parser {
  let rest = ''
  let event = ''
  let data: string[] = []
  let id: string | null = null

  const line = (text: string) => {
    if (text === '') {
      if (data.length > 0) onEvent({ event: event || 'message', data: data.join('\n'), id })
      event = ''
      data = []
      return
    }
    if (text.startsWith(':')) return
    const colon = text.indexOf(':')
    const name = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') data.push(value)
    else if (name === 'event') event = value
    else if (name === 'id' && !value.includes('\0')) id = value
    else if (name === 'retry' && /^\d+$/.test(value)) onRetry(Number(value))
  }

  return {
    push(chunk) {
      onAlive()
      const lines = (rest + chunk).split(/\r\n|\n|\r/)
      rest = lines.pop() ?? ''
      lines.forEach(line)
    },
  }
}
