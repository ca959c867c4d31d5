import { useSearch } from '@tanstack/react-router'
import { SearchPage } from '../../features/search/SearchPage'

export function Page() {
  return <SearchPage search={useSearch({ from: '/search' })} />
}
