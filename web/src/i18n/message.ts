import { IntlMessageFormat } from 'intl-messageformat'

type Elements = ReturnType<IntlMessageFormat['getAst']>
export type Values = Parameters<IntlMessageFormat['format']>[0]

/** A text as the build ships it: plain, or the syntax tree of a message with names in it. */
export type Message = string | Elements

const made = new WeakMap<Elements, IntlMessageFormat>()

/** The text of a message. Plural and select are within it, in ICU's own words. */
export function render(message: Message, locale: string, values?: Values): string {
  if (!Array.isArray(message)) return message
  let format = made.get(message)
  if (!format) made.set(message, (format = new IntlMessageFormat(message, locale)))
  return String(format.format(values))
}
