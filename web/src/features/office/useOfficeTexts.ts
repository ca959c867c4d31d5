import { useEffect, useState } from 'react'
import { loadOfficeTexts } from '../../i18n'

/** Loads the texts of the merchant and admin pages; true once they are loaded. */
export function useOfficeTexts(): boolean {
  const [ready, setReady] = useState(false)
  useEffect(() => {
    void loadOfficeTexts().then(() => setReady(true))
  }, [])
  return ready
}
