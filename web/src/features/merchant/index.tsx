export const MerchantFrame = () => null
export const Events = () => null
export const NewEvent = () => null
export const Event = () => null
export const Venues = () => null
export const Plan = () => null
