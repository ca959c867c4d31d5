export { AdminLayout, Users, Bookings, Queues, Reconciliation } from '../../features/admin'
export { Audit } from '../../features/admin/Audit'
