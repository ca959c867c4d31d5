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
export type Shelf = 'app' | 'office'

/** The texts of one language; a new object for each change, so that whoever shows them follows. */
interface Language {
  locale: string
  texts: Partial<Record<Shelf, Texts>>
}

let language: Language = { locale: 'en', texts: {} }
let spoken = speak(language)
const listeners = new Set<() => void>()

function find(texts: Texts | undefined, name: string): Message | undefined {
  let at: Message | Texts | undefined = texts
  for (const part of name.split('.')) {
    if (typeof at !== 'object' || Array.isArray(at)) return undefined
    at = at[part]
  }
  return typeof at === 'string' || Array.isArray(at) ? at : undefined
}

function text({ locale, texts }: Language, shelves: Shelf[]): Text {
  const message = (name: string) =>
    shelves.reduce<Message | undefined>((found, shelf) => found ?? find(texts[shelf], name), undefined)
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

function speak(now: Language): Record<Shelf, Text> {
  return { app: text(now, ['app']), office: text(now, ['office', 'app']) }
}

/** Changes the language, or brings a shelf of texts in the one in use. */
export function say(locale: string, texts: Partial<Record<Shelf, Texts>>): void {
  language = { locale, texts: locale === language.locale ? { ...language.texts, ...texts } : texts }
  spoken = speak(language)
  listeners.forEach((listener) => listener())
}

export const knows = (locale: string, shelf: Shelf): boolean =>
  locale === language.locale && language.texts[shelf] !== undefined

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Texts in the language in use; the part is shown anew when that changes. */
export function useText(shelf: Shelf = 'app'): Text {
  return useSyncExternalStore(subscribe, () => spoken[shelf])
}

/** Outside of what React shows. */
export const textNow = (shelf: Shelf = 'app'): Text => spoken[shelf]
