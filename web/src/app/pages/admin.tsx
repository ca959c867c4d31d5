export { AdminLayout, Users, Bookings, Queues, ReconciliationPage } from '../../features/admin'
export { Audit } from '../../features/admin/Audit'
