export { MerchantLayout, Events, NewEvent, Event, Venues, Plan } from '../../features/merchant'
