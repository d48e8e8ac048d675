/** What the suite's brokers are told of transactions, so that nobody waits a minute for a question. */
export const SOON_CHECKED = { transactionCheckInterval: 1_000, transactionTimeOut: 500 } as const;
