import { useSyncExternalStore } from 'react'
import { render, type Message, type Values } from './message'

/** A catalogue as the build compiles it: texts and messages by their names. */
export interface Texts {
  [name: string]: Message | Texts
}

/** The text of that name, such as 'cart.count', with its values filled in. */
export interface Text {
  (name: string, values?: Values): string
  has(name: string): boolean
}

/** What merchants and admins read has a catalogue of its own, which their pages bring. */
export type Namespace = 'app' | 'office'

/** The texts of one language; a new object for each change, so that whoever shows them follows. */
interface Language {
  locale: string
  texts: Partial<Record<Namespace, Texts>>
}

let language: Language = { locale: 'en', texts: {} }
let currentTexts = translators(language)
const listeners = new Set<() => void>()

function find(texts: Texts | undefined, name: string): Message | undefined {
  let at: Message | Texts | undefined = texts
  for (const part of name.split('.')) {
    if (typeof at !== 'object' || Array.isArray(at)) return undefined
    at = at[part]
  }
  return typeof at === 'string' || Array.isArray(at) ? at : undefined
}

function translator({ locale, texts }: Language, namespaces: Namespace[]): Text {
  const message = (name: string) =>
    namespaces.reduce<Message | undefined>((found, namespace) => found ?? find(texts[namespace], name), undefined)
  return Object.assign(
    (name: string, values?: Values) => {
      try {
        return render(message(name) ?? name, locale, values)
      } catch (error) {
        console.error(name, error) // a value is missing: the name of the text tells more than nothing
        return name
      }
    },
    { has: (name: string) => message(name) !== undefined },
  )
}

function translators(now: Language): Record<Namespace, Text> {
  return { app: translator(now, ['app']), office: translator(now, ['office', 'app']) }
}

/** Changes the language, or adds a namespace to the texts of the one in use. */
export function setTexts(locale: string, texts: Partial<Record<Namespace, Texts>>): void {
  language = { locale, texts: locale === language.locale ? { ...language.texts, ...texts } : texts }
  currentTexts = translators(language)
  listeners.forEach((listener) => listener())
}

export const isLoaded = (locale: string, namespace: Namespace): boolean =>
  locale === language.locale && language.texts[namespace] !== undefined

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Texts in the language in use; the component renders again when that changes. */
export function useText(namespace: Namespace = 'app'): Text {
  return useSyncExternalStore(subscribe, () => currentTexts[namespace])
}

/** Outside of what React shows. */
export const textNow = (namespace: Namespace = 'app'): Text => currentTexts[namespace]
