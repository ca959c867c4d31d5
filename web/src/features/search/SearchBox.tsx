import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useDeferredValue, useId, useState } from 'react'
import { Icon } from '../../components/Icon'
import { useText } from '../../i18n/text'
import { suggestQuery, type Suggestion } from './query'

/** The search box with suggestions (WAI-ARIA combobox with a list). */
export function SearchBox({
  initial = '',
  large = false,
  onSearch,
}: {
  initial?: string
  large?: boolean
  onSearch: (q: string) => void
}) {
  const t = useText()
  const id = useId()
  const navigate = useNavigate()
  const [value, setValue] = useState(initial)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  const typed = useDeferredValue(value.trim())
  const { data } = useQuery(suggestQuery(open ? typed : ''))
  const items = open && value.trim().length >= 2 ? (data ?? []) : []

  const choose = (item: Suggestion | undefined) => {
    setOpen(false)
    setActive(-1)
    if (item?.event) return void navigate({ to: '/events/$id', params: { id: item.event } })
    const q = item?.text ?? value.trim()
    setValue(q)
    onSearch(q)
  }

  return (
    <form
      role="search"
      className={`search-box ${large ? 'search-box-large' : ''}`}
      onSubmit={(e) => {
        e.preventDefault()
        choose(items[active])
      }}
    >
      <Icon name="search" />
      <input
        type="search"
        role="combobox"
        aria-label={t('search.label')}
        aria-expanded={items.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={active >= 0 && items[active] ? `${id}-${active}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        enterKeyHint="search"
        placeholder={t('search.placeholder')}
        value={value}
        onChange={(e) => {
          setValue(e.target.value)
          setOpen(true)
          setActive(-1)
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') setActive((a) => Math.min(a + 1, items.length - 1))
          else if (e.key === 'ArrowUp') setActive((a) => Math.max(a - 1, -1))
          else if (e.key === 'Escape') setOpen(false)
          else return
          e.preventDefault()
        }}
      />
      <button type="submit" className="search-go" aria-label={t('search.go')}>
        <Icon name="chevron" />
      </button>
      <ul
        id={`${id}-list`}
        role="listbox"
        aria-label={t('search.suggestions')}
        className="search-suggestions"
        hidden={items.length === 0}
      >
        {items.map((item, i) => (
          // The input keeps the focus and handles the keys.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={`${item.type}${item.text}${item.event ?? ''}`}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === active}
            onPointerDown={(e) => e.preventDefault()}
            onClick={() => choose(item)}
          >
            <Icon name={item.event ? 'ticket' : 'search'} size={18} />
            {item.text}
          </li>
        ))}
      </ul>
    </form>
  )
}
