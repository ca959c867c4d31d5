const paths = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm5.2 12.2L21 21',
  ticket: 'M4 7h16v3.5a1.5 1.5 0 0 0 0 3V17H4v-3.5a1.5 1.5 0 0 0 0-3zM14 7.5v2m0 2v1m0 2v2',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.700 1.900 7.500 5.500',
  home: 'M5 20V11a7 7 0 0 1 14 0v9zM10 20v-6a2 2 0 0 1 4 0v6',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l1.500 2h-15zM10 20.500a2.200 2.200 0 0 0 4 0',
  close: 'M6 6l12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  check: 'M5 12.500 10 17.500 19.500 7',
  chevron: 'M9 5l7 7-7 7',
  down: 'M6 9l6 6 6-6',
  back: 'M15 5l-7 7 7 7',
  pin: 'M12 21s-7-6.300-7-11.500a7 7 0 0 1 14 0C19 14.700 12 21 12 21ZM12 7a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Z',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 8v4.500l3 2',
  calendar: 'M5 6h14v14H5zM5 10h14M9 4v4m6-4v4',
  alert: 'M12 4 21 19.500H3zM12 10v4.500m0 2.200v.300',
  info: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 11v5m0-8v.300',
  filter: 'M4 7h16M7 12h10M10 17h4',
  list: 'M9 6h11M9 12h11M9 18h11M4.500 6h.300M4.500 12h.300M4.500 18h.300',
  map: 'M9 5 4 7v12l5-2 6 2 5-2V5l-5 2zM9 5v12M15 7v12',
  download: 'M12 4v11m0 0 4-4m-4 4-4-4M5 19.500h14',
  spark: 'M12 4l1.800 5.200L19 11l-5.200 1.800L12 18l-1.800-5.200L5 11l5.200-1.800z',
  eye: 'M3 12s3.200-6 9-6 9 6 9 6-3.200 6-9 6-9-6-9-6ZM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Z',
  globe: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM4 12h16M12 4c-5 5-5 11 0 16 5-5 5-11 0-16Z',
  people:
    'M9 6a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM3 19c.500-3 3-4.500 6-4.500s5.500 1.500 6 4.500M15.500 6.200a3 3 0 0 1 0 5.600M17.500 14.900c2 .600 3.200 2.100 3.500 4.100',
  venue: 'M4 20V9l8-5 8 5v11zM9 20v-6h6v6',
  chart: 'M5 20V11m5 9V5m5 15v-7m5 7V8',
  scale: 'M12 4v16m-5 0h10M5 7h14M5 7l-2.500 6h5zM19 7l-2.500 6h5z',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13',
  undo: 'M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 3v2m0 14v2M3 12h2m14 0h2M5.600 5.600 7 7m10 10 1.400 1.400M5.600 18.400 7 17M17 7l1.400-1.400',
  out: 'M14 5H5v14h9M10 12h10m0 0-3.500-3.500M20 12l-3.500 3.500',
  upload: 'M12 19V8m0 0 4 4m-4-4-4 4M5 4.500h14',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 22 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={name === 'back' || name === 'chevron' ? 'flip' : undefined}
    >
      <path d={paths[name]} />
    </svg>
  )
}
