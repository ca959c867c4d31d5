import { useSyncExternalStore } from 'react'
import type app from './locales/en.json'
import type office from './locales/office.en.json'
import { render, type Message, type Values } from './message'

/** A catalogue as the build compiles it: texts and messages by their keys. */
export interface Texts {
  [key: string]: Message | Texts
}

/** The keys of a catalogue, as 'cart.count'. */
type KeysOf<T> = {
  [Key in keyof T & string]: T[Key] extends string ? Key : `${Key}.${KeysOf<T[Key]>}`
}[keyof T & string]

export type AppKey = KeysOf<typeof app>
/** Merchant and admin pages have a catalogue of their own, loaded with them; they read the app's texts too. */
export type OfficeKey = AppKey | KeysOf<typeof office>
export type Namespace = 'app' | 'office'

/** Looks texts up by the keys of the English catalogue and fills in their values. */
export interface Text<Key extends string = AppKey> {
  (key: Key, values?: Values): string
  /** The text of a key that is known only at run time, such as a server's code; undefined when there is none. */
  find(key: string, values?: Values): string | undefined
}

/** The texts of one language; a new object for each change, so that subscribed components render again. */
interface Language {
  locale: string
  texts: Partial<Record<Namespace, Texts>>
}

let language: Language = { locale: 'en', texts: {} }
let currentTexts = translators(language)
const listeners = new Set<() => void>()

function lookUp(texts: Texts | undefined, key: string): Message | undefined {
  let at: Message | Texts | undefined = texts
  for (const part of key.split('.')) {
    if (typeof at !== 'object' || Array.isArray(at)) return undefined
    at = at[part]
  }
  return typeof at === 'string' || Array.isArray(at) ? at : undefined
}

function translator({ locale, texts }: Language, namespaces: Namespace[]): Text<OfficeKey> {
  const find = (key: string, values?: Values) => {
    const message = namespaces.reduce<Message | undefined>(
      (found, namespace) => found ?? lookUp(texts[namespace], key),
      undefined,
    )
    if (message === undefined) return undefined
    try {
      return render(message, locale, values)
    } catch (error) {
      console.error(key, error) // a value is missing: the key tells more than nothing
      return key
    }
  }
  return Object.assign((key: OfficeKey, values?: Values) => find(key, values) ?? key, { find })
}

function translators(now: Language): Record<Namespace, Text<OfficeKey>> {
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
export function useText(): Text
export function useText(namespace: 'office'): Text<OfficeKey>
export function useText(namespace: Namespace = 'app'): Text<OfficeKey> {
  return useSyncExternalStore(subscribe, () => currentTexts[namespace])
}

/** The current texts, for code outside React components. */
export function textNow(): Text
export function textNow(namespace: 'office'): Text<OfficeKey>
export function textNow(namespace: Namespace = 'app'): Text<OfficeKey> {
  return currentTexts[namespace]
}
