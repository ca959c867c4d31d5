/** Colours of the posters, five each. They are not tokens: they are the same in every theme. */
export const posterPalettes = [
  ['#1d1b4f', '#ffc533', '#f0645a', '#f5f3ff', '#5a56d8'],
  ['#5b1d50', '#ff8f5c', '#ffd268', '#2c1740', '#f7d9e6'],
  ['#0c4751', '#37c4b3', '#ffe07a', '#f2fbf6', '#0a2e3d'],
  ['#f5b5c6', '#cf3059', '#3a1c5e', '#ffc533', '#fff3f0'],
  ['#cbe0ff', '#2c5bdc', '#17163a', '#ffc533', '#ffffff'],
  ['#1f4230', '#9cc843', '#ffe07a', '#f0645a', '#e9f5df'],
  ['#3b2412', '#ff7a3d', '#ffc98a', '#f7efe2', '#b23a1e'],
  ['#d9d4ff', '#6a4ee0', '#20124d', '#ff8f5c', '#fff7d6'],
] as const

/** Colours for new seating plans: those of the tokens kind-1 to kind-6 and stage, in the light theme. */
export const planColors = {
  categories: ['#4a45d1', '#0b7f7a', '#c7356b', '#7a4fc9', '#a3561a', '#2a6fb8'],
  stage: '#17163a',
  stageText: '#ffffff',
}
