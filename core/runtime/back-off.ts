/** Milliseconds before try number `attempt` + 1: doubling with each failure, never more than the longest. `attempt` is 1 after the first failure. */
export function backOffMs(attempt: number, initialDelayMs: number, maxDelayMs: number): number {
  return Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(attempt - 1, 40));
}
