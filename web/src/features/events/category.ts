import type { Text } from '../../i18n/text'

const known = ['music', 'theatre', 'comedy', 'sport', 'conference', 'film', 'art', 'family', 'talk', 'other'] as const

/** Categories are the merchants' words; the common ones have a name in every language. */
export function categoryName(t: Text, category: string): string {
  const name = known.find((k) => k === category.toLowerCase())
  if (name) return t(`category.${name}`)
  const words = category.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
