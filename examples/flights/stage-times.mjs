/**
 * Sums how long sends sit in each stage, from the producer's stage events: a stage lasts from its own event to the next
 * event of the same message.
 */
export class StageTimes {
  #open = new Map();
  #sums = new Map();

  observe(event) {
    const before = this.#open.get(event.msgId);
    if (before !== undefined) {
      const sum = this.#sums.get(before.stage) ?? { totalMs: 0, count: 0 };
      sum.totalMs += event.atMs - before.atMs;
      sum.count += 1;
      this.#sums.set(before.stage, sum);
    }
    if (event.kind === 'stage') this.#open.set(event.msgId, { stage: event.stage, atMs: event.atMs });
    else this.#open.delete(event.msgId);
  }

  /** In the order of the stages, which is the order they were first left in. */
  means() {
    return [...this.#sums].map(([stage, { totalMs, count }]) => ({ stage, count, meanUs: (totalMs / count) * 1000 }));
  }
}
