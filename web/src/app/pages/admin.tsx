export { AdminFrame, Users, Bookings, Queues, Reconciliation } from '../../features/admin'
