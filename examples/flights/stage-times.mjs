/**
 * Sums how long sends sit in each stage, from the producer's stage events: a stage lasts until the send enters the next
 * one, or ends.
 */
export class StageTimes {
  #open = new Map();
  #sums = new Map();

  observe(event) {
    if (event.type === 'attempt' || (event.type === 'failed' && !event.final)) return;
    const before = this.#open.get(event.msgId);
    if (before !== undefined) this.#add(before.stage, event.atMs - before.atMs);
    if (event.type === 'stage') this.#open.set(event.msgId, event);
    else this.#open.delete(event.msgId);
  }

  /** In the order of the stages, which is the order they were first left in. */
  means() {
    return [...this.#sums].map(([stage, { totalMs, count }]) => ({ stage, count, meanUs: (totalMs / count) * 1000 }));
  }

  #add(stage, elapsedMs) {
    const sum = this.#sums.get(stage) ?? { totalMs: 0, count: 0 };
    sum.totalMs += elapsedMs;
    sum.count += 1;
    this.#sums.set(stage, sum);
  }
}
