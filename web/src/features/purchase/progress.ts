/** The progress that the card form reports. The booking's status on the server decides. */
export type PaymentProgress = 'idle' | 'processing' | 'succeeded'
