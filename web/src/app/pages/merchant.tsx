export { MerchantFrame, Events, NewEvent, Event, Venues, Plan } from '../../features/merchant'
