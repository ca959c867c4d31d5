import { useText } from '../i18n/text'
import { useCountdown } from '../live/hooks'
import { clockFace } from '../live/timer'
import './timer.css'

/** The remaining time: a ring, digits, and polite announcements at two minutes and at thirty seconds. */
export function Timer({ deadline, total = 300, onOver }: { deadline: string; total?: number; onOver?: () => void }) {
  const t = useText()
  const { seconds, phase, announce } = useCountdown(deadline, onOver)
  return (
    <span className={`timer timer-${phase}`}>
      <svg viewBox="0 0 36 36" aria-hidden="true">
        <circle cx="18" cy="18" r="15" className="timer-track" />
        <circle
          cx="18"
          cy="18"
          r="15"
          className="timer-left"
          pathLength="100"
          strokeDasharray={`${Math.min(100, (seconds / total) * 100)} 100`}
        />
      </svg>
      <time
        className="tabular"
        aria-label={t('cart.time_left', { minutes: Math.floor(seconds / 60), seconds: seconds % 60 })}
        role="timer"
      >
        {clockFace(seconds)}
      </time>
      <span className="sr" role="status">
        {announce === 120
          ? t('cart.two_minutes')
          : announce === 30
            ? t('cart.thirty_seconds')
            : announce === 0
              ? t('cart.over')
              : ''}
      </span>
    </span>
  )
}
