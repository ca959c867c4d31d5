import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, unwrap } from '../../api/client'
import type { components } from '../../api/waitingroom.gen'
import { Failure, Skeleton } from '../../components/ui'
import { number } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { queueSettingsQuery } from './query'
import { Stat } from './Stat'

type QueueSettingsChange = components['schemas']['SettingsChange']

/** The queue's numbers, and its rate and concurrency settings. */
export function QueueControl({ event }: { event: string }) {
  const t = useText('office')
  const queries = useQueryClient()
  const settings = useQuery(queueSettingsQuery(event))
  const change = useMutation({
    mutationFn: (body: QueueSettingsChange) =>
      unwrap(api.PATCH('/api/v1/events/{event}/queue/settings', { params: { path: { event } }, body })),
    onSuccess: (next) => queries.setQueryData(queueSettingsQuery(event).queryKey, next),
  })
  if (settings.isError) return <span className="small muted">{t('queue.none')}</span>
  if (!settings.data) return <Skeleton w="14rem" />
  const s = settings.data
  return (
    <div className="stack-s">
      <dl className="office-stats">
        <Stat label={t('queue.waiting')} value={number(s.waiting)} />
        <Stat label={t('queue.served')} value={number(s.served)} />
        <Stat label={t('queue.inside')} value={number(s.inside)} />
      </dl>
      <form
        className="cluster"
        onSubmit={(e) => {
          e.preventDefault()
          const form = new FormData(e.currentTarget)
          change.mutate({ rate: Number(form.get('rate')), concurrency: Number(form.get('concurrency')) })
        }}
      >
        <label className="small">
          {t('queue.rate')}
          <input
            name="rate"
            type="number"
            step="0.01"
            min="0.01"
            max="1000"
            className="input office-input-small"
            defaultValue={s.rate}
          />
        </label>
        <label className="small">
          {t('queue.concurrency')}
          <input
            name="concurrency"
            type="number"
            min="1"
            max="100000"
            className="input office-input-small"
            defaultValue={s.concurrency}
          />
        </label>
        <button type="submit" className="button button-small" disabled={change.isPending}>
          {t('save')}
        </button>
        <button
          type="button"
          className="chip"
          aria-pressed={s.paused}
          disabled={change.isPending}
          onClick={() => change.mutate({ paused: !s.paused })}
        >
          {s.paused ? t('queue.go_on') : t('queue.pause')}
        </button>
      </form>
      {change.isError && <Failure error={change.error} />}
    </div>
  )
}
