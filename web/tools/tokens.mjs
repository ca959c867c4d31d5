const lightDark = /light-dark\(((?:[^(),]|\([^()]*\))*), ((?:[^(),]|\([^()]*\))*)\)/g

/**
 * The design tokens for Keycloak's pages: src/design/tokens.css with light-dark() taken apart, which the build does for
 * the app. Keycloak puts the class on the root where the device prefers dark.
 */
export function tokensForKeycloak(css) {
  const dark = css.match(/^ +--[\w-]+:[^;]*light-dark[^;]*;/gm) ?? []
  return [
    '/* Generated from web/src/design/tokens.css; do not edit. */',
    css.replace(lightDark, '$1').trimEnd(),
    ':root.pf-v5-theme-dark {',
    ...dark.map((line) => line.replace(lightDark, '$2')),
    '}\n',
  ].join('\n')
}
