export function tokensForKeycloak(css: string): string
