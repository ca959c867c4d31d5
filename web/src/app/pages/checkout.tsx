import { useParams } from '@tanstack/react-router'
import { CheckoutPage } from '../../features/checkout/CheckoutPage'

export function Page() {
  const { hold } = useParams({ from: '/checkout/$hold' })
  return <CheckoutPage key={hold} id={hold} />
}
