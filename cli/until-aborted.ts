/** Resolves when the signal aborts, and keeps the process alive until then: what runs meanwhile may be unref'd. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const alive = setInterval(() => {}, 60_000);
    const done = (): void => {
      clearInterval(alive);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
  });
}
