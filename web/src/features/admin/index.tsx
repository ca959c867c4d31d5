export const AdminFrame = () => null
export const Users = () => null
export const Bookings = () => null
export const Queues = () => null
export const Reconciliation = () => null
