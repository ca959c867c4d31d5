import { useText } from '../../i18n/text'

export function LoadMore({ onClick }: { onClick: () => void }) {
  const t = useText()
  return (
    <button type="button" className="button self-center" onClick={onClick}>
      {t('common.more_results')}
    </button>
  )
}
