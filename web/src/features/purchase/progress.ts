/** How far paying has come in the form. The booking's own state, which the server tells, decides. */
export type PaymentProgress = 'idle' | 'processing' | 'succeeded'
