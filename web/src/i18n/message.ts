import type { i18n } from 'i18next'
import { IntlMessageFormat } from 'intl-messageformat'

type Elements = ReturnType<IntlMessageFormat['getAst']>
type Values = Parameters<IntlMessageFormat['format']>[0]

const made = new WeakMap<Elements, IntlMessageFormat>()

/** The text of a message that the build has compiled; plain text is its own. */
export function render(message: string | Elements, locale: string, values?: Values): string {
  if (!Array.isArray(message)) return message
  let format = made.get(message)
  if (!format) made.set(message, (format = new IntlMessageFormat(message, locale)))
  return String(format.format(values))
}

/** Lets i18next speak ICU. Plural and select are within the message, so a key is looked up as it is. */
export const compiledMessages = {
  type: 'i18nFormat' as const,
  init(_: i18n) {},
  addLookupKeys: (keys: string[]) => keys,
  parse(message: string | Elements, values: Values, locale: string, _namespace: string, key: string): string {
    try {
      return render(message, locale, values)
    } catch (error) {
      console.error(key, error) // a value is missing: the name of the text tells more than nothing
      return key
    }
  },
}
