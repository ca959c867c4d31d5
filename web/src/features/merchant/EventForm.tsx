import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, idempotencyKey, unwrap, type Event, type NewEvent, type NewTicketType } from '../../api/client'
import { Icon } from '../../components/Icon'
import { Empty, Failure, Field } from '../../components/ui'
import { fromDecimal, minorDigits, toDecimal } from '../../i18n/format'
import { useText } from '../../i18n/text'
import { categoryName } from '../events/category'
import { merchantEventQuery, merchantEventsQuery, seatingPlanQuery, venuesQuery } from './query'
import { utcFromLocal, localFromUtc } from './zone'
import { Link } from '@tanstack/react-router'

interface TypeDraft {
  key: string
  id?: string
  name: string
  price: string
  seated: boolean
  capacity: string
  categories: string[]
}

const draftOf = (type: Event['ticketTypes'][number]): TypeDraft => ({
  key: type.id,
  id: type.id,
  name: type.name,
  price: toDecimal(type.price.amount, type.price.currency),
  seated: type.seated,
  capacity: String(type.capacity),
  categories: type.categories ?? [],
})

const categories = ['music', 'theatre', 'comedy', 'sport', 'conference', 'film', 'art', 'family', 'talk', 'other']
const currencies = ['EUR', 'USD', 'GBP', 'CHF', 'JPY', 'VND', 'NOK', 'SEK', 'AED']

/** Creates or edits an event. Times are in the event's time zone. */
export function EventForm({ event }: { event?: Event }) {
  const t = useText('office')
  const navigate = useNavigate()
  const queries = useQueryClient()
  const venues = useQuery(venuesQuery)
  const [venueId, setVenue] = useState(event?.venue.id ?? '')
  const venue = venues.data?.items.find((v) => v.id === venueId) ?? venues.data?.items[0]
  const zone = event?.timeZone ?? venue?.timeZone ?? 'UTC'
  const plan = useQuery({
    ...seatingPlanQuery(venue?.id ?? ''),
    enabled: venue?.hasPlan === true,
    staleTime: 60_000,
  })
  const [currency, setCurrency] = useState(event?.ticketTypes[0]?.price.currency ?? 'EUR')
  const [types, setTypes] = useState<TypeDraft[]>(event?.ticketTypes.map(draftOf) ?? [])
  const change = (key: string, patch: Partial<TypeDraft>) =>
    setTypes((all) => all.map((type) => (type.key === key ? { ...type, ...patch } : type)))
  const add = (seated: boolean) =>
    setTypes((all) => [
      ...all,
      {
        key: crypto.randomUUID(),
        name: seated ? (plan.data?.categories[all.length]?.name ?? '') : t('event.standing'),
        price: '',
        seated,
        capacity: '100',
        categories: seated ? (plan.data?.categories.slice(all.length, all.length + 1).map((c) => c.name) ?? []) : [],
      },
    ])

  const save = useMutation({
    mutationFn: async (form: FormData) => {
      const text = (name: string) => String(form.get(name) ?? '').trim()
      const when = (name: string) => (text(name) ? utcFromLocal(text(name), zone) : undefined)
      const ticketTypes: NewTicketType[] = types.map((type) => ({
        ...(type.id ? { id: type.id } : {}),
        name: type.name,
        // The field's step allows whole minor units only.
        price: { amount: fromDecimal(type.price, currency)!, currency },
        seated: type.seated,
        ...(type.seated ? { categories: type.categories } : { capacity: Number(type.capacity) }),
      }))
      const body = {
        name: text('name'),
        description: text('description'),
        category: text('category'),
        performers: text('performers')
          .split(',')
          .map((p) => p.trim())
          .filter(Boolean),
        image: text('image'),
        startsAt: when('startsAt')!,
        endsAt: when('endsAt')!,
        timeZone: zone,
        salesStart: when('salesStart'),
        salesEnd: when('salesEnd'),
        maxPerOrder: Number(text('maxPerOrder')),
        maxPerAccount: Number(text('maxPerAccount')),
        highDemand: form.get('highDemand') === 'on',
        refundableUntil: when('refundableUntil'),
        ticketTypes,
      }
      if (event)
        return unwrap(
          api.PATCH('/api/v1/events/{id}', {
            params: { path: { id: event.id }, header: { 'If-Match': `"${event.version}"` } },
            body,
          }),
        )
      const fresh: NewEvent = { ...body, venue: venue!.id }
      return unwrap(api.POST('/api/v1/events', { params: { header: idempotencyKey() }, body: fresh }))
    },
    onSuccess: (saved) => {
      queries.setQueryData(merchantEventQuery(saved.id).queryKey, saved)
      void queries.invalidateQueries({ queryKey: merchantEventsQuery.queryKey })
      void navigate({ to: '/merchant/events/$id', params: { id: saved.id } })
    },
  })
  if (venues.data?.items.length === 0)
    return (
      <Empty
        title={t('event.venue_first')}
        action={
          <Link to="/merchant/venues" className="button button-light">
            {t('venues.new')}
          </Link>
        }
      />
    )
  const input = (name: string, label: string, props: React.InputHTMLAttributes<HTMLInputElement> = {}) => (
    <Field id={name} label={label}>
      <input id={name} name={name} className="input" {...props} />
    </Field>
  )
  const local = (iso: string | undefined) => (iso ? localFromUtc(iso, zone) : '')
  return (
    <form
      className="stack"
      onSubmit={(e) => {
        e.preventDefault()
        save.mutate(new FormData(e.currentTarget))
      }}
    >
      {input('name', t('event.name'), { required: true, maxLength: 200, defaultValue: event?.name })}
      <Field id="description" label={t('event.description')}>
        <textarea
          id="description"
          name="description"
          className="input"
          maxLength={20000}
          defaultValue={event?.description}
        />
      </Field>
      <div className="form-grid">
        <Field id="venue" label={t('event.venue')}>
          <select
            id="venue"
            className="input"
            value={venue?.id ?? ''}
            disabled={Boolean(event)}
            onChange={(e) => setVenue(e.target.value)}
          >
            {event && !venues.data?.items.some((v) => v.id === event.venue.id) && (
              <option value={event.venue.id}>{event.venue.name}</option>
            )}
            {venues.data?.items.map((v) => (
              <option key={v.id} value={v.id}>
                {v.name}
                {v.city ? `, ${v.city}` : ''}
              </option>
            ))}
          </select>
        </Field>
        <Field id="category" label={t('search.category')}>
          <select id="category" name="category" className="input" defaultValue={event?.category ?? 'music'}>
            {[...new Set([...(event ? [event.category] : []), ...categories])].map((c) => (
              <option key={c} value={c}>
                {categoryName(t, c)}
              </option>
            ))}
          </select>
        </Field>
        {input('performers', t('event.performers'), { defaultValue: event?.performers?.join(', ') })}
        {input('image', t('event.image'), { type: 'url', placeholder: 'https://', defaultValue: event?.image })}
      </div>
      <p className="hint">{t('event.zone', { zone })}</p>
      <div className="form-grid">
        {input('startsAt', t('event.starts'), {
          type: 'datetime-local',
          required: true,
          defaultValue: local(event?.startsAt),
        })}
        {input('endsAt', t('event.ends'), {
          type: 'datetime-local',
          required: true,
          defaultValue: local(event?.endsAt),
        })}
        {input('salesStart', t('event.sales_start'), {
          type: 'datetime-local',
          defaultValue: local(event?.salesStart),
        })}
        {input('salesEnd', t('event.sales_end'), {
          type: 'datetime-local',
          defaultValue: local(event?.salesEnd),
        })}
        {input('refundableUntil', t('event.refundable'), {
          type: 'datetime-local',
          defaultValue: local(event?.refundableUntil),
        })}
        {input('maxPerOrder', t('event.per_order'), {
          type: 'number',
          min: 1,
          max: 50,
          required: true,
          defaultValue: event?.maxPerOrder ?? 8,
        })}
        {input('maxPerAccount', t('event.per_account'), {
          type: 'number',
          min: 1,
          max: 200,
          required: true,
          defaultValue: event?.maxPerAccount ?? 8,
        })}
      </div>
      <label className="check">
        <input type="checkbox" name="highDemand" defaultChecked={event?.highDemand} />
        <span>
          {t('event.high_demand')}
          <span className="hint hint-block">{t('event.high_demand_hint')}</span>
        </span>
      </label>
      <div className="cluster between">
        <h2>{t('event.prices')}</h2>
        <label className="cluster small">
          {t('event.currency')}
          <select className="input office-input-small" value={currency} onChange={(e) => setCurrency(e.target.value)}>
            {[...new Set([...currencies, currency])].map((c) => (
              <option key={c}>{c}</option>
            ))}
          </select>
        </label>
      </div>
      {types.map((type, i) => (
        <fieldset key={type.key} className="office-type-row">
          <legend className="sr">{type.name || t('event.type', { n: i + 1 })}</legend>
          <div className="form-grid">
            <Field id={`${type.key}n`} label={t('event.type_name')}>
              <input
                id={`${type.key}n`}
                className="input"
                required
                maxLength={100}
                value={type.name}
                onChange={(e) => change(type.key, { name: e.target.value })}
              />
            </Field>
            <Field id={`${type.key}p`} label={t('search.price', { currency })}>
              <input
                id={`${type.key}p`}
                className="input"
                type="number"
                min="0"
                step={1 / 10 ** minorDigits(currency)}
                required
                value={type.price}
                onChange={(e) => change(type.key, { price: e.target.value })}
              />
            </Field>
            {!type.seated && (
              <Field id={`${type.key}c`} label={t('event.capacity')}>
                <input
                  id={`${type.key}c`}
                  className="input"
                  type="number"
                  min="1"
                  max="100000"
                  required
                  value={type.capacity}
                  onChange={(e) => change(type.key, { capacity: e.target.value })}
                />
              </Field>
            )}
          </div>
          {type.seated && (
            <fieldset className="stack-s">
              <legend className="label">{t('event.seats_of')}</legend>
              <div className="chips">
                {(plan.data?.categories ?? type.categories.map((name) => ({ name, color: '' }))).map((c) => (
                  <button
                    key={c.name}
                    type="button"
                    className="chip"
                    aria-pressed={type.categories.includes(c.name)}
                    onClick={() =>
                      change(type.key, {
                        categories: type.categories.includes(c.name)
                          ? type.categories.filter((n) => n !== c.name)
                          : [...type.categories, c.name],
                      })
                    }
                  >
                    {c.name}
                  </button>
                ))}
              </div>
            </fieldset>
          )}
          <div>
            <button
              type="button"
              className="button button-quiet button-small"
              onClick={() => setTypes((all) => all.filter((other) => other.key !== type.key))}
            >
              <Icon name="trash" size={18} />
              {t('event.remove_type')}
            </button>
          </div>
        </fieldset>
      ))}
      <div className="cluster">
        {venue?.hasPlan && (
          <button type="button" className="button" onClick={() => add(true)}>
            <Icon name="plus" size={20} />
            {t('event.add_seated')}
          </button>
        )}
        <button type="button" className="button" onClick={() => add(false)}>
          <Icon name="plus" size={20} />
          {t('event.add_standing')}
        </button>
      </div>
      {save.isError && <Failure error={save.error} />}
      <button type="submit" className="button button-light self-start" disabled={save.isPending}>
        {save.isPending ? <span className="spinner" /> : event ? t('save') : t('event.draft')}
      </button>
    </form>
  )
}
