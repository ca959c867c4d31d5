import { IntlMessageFormat } from 'intl-messageformat'

type Elements = ReturnType<IntlMessageFormat['getAst']>
export type Values = Parameters<IntlMessageFormat['format']>[0]

/** A text as the build ships it: plain, or the syntax tree of a message with arguments. */
export type Message = string | Elements

const made = new WeakMap<Elements, IntlMessageFormat>()

/** Formats a message, which may contain ICU plural and select. */
export function render(message: Message, locale: string, values?: Values): string {
  if (!Array.isArray(message)) return message
  let format = made.get(message)
  if (!format) made.set(message, (format = new IntlMessageFormat(message, locale)))
  return String(format.format(values))
}
