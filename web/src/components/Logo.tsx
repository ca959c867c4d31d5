/** The logo: an open door with light behind it. */
export function LogoMark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M6 30V14a10 10 0 0 1 20 0v16z" fill="var(--logo-door, var(--ink))" />
      <path d="M13 30V15a4.5 4.5 0 0 1 9 0v15z" fill="var(--light)" />
      <path d="M13 30V12.5L19 15v15z" fill="var(--logo-door, var(--ink))" />
      <circle cx="17" cy="22.5" r="1" fill="var(--light)" />
    </svg>
  )
}

export function Wordmark() {
  return (
    <span className="app-wordmark">
      <LogoMark />
      <span>Foyer</span>
    </span>
  )
}
