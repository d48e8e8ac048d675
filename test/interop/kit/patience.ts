/** How long anything that has to come may take, and any answer: watchdogs for machines that are slow and busy, no expectations. */
export const PATIENCE_MS = 120_000;
const ANSWER_MS = 60_000;

/** Of clients of ours that give nothing up because it takes long. */
export const PATIENT = { connectTimeoutMs: ANSWER_MS, requestTimeoutMs: ANSWER_MS } as const;
/** Of their producers, of calls of `mq.admin`, and of requests by hand. */
export const ANSWERED = { timeoutMs: ANSWER_MS } as const;
/** Of test/kit/wait-for.ts. */
export const EVENTUALLY = { timeoutMs: PATIENCE_MS } as const;
