const SAMPLES_MAX = 601;

/** Rates of a counter over the last 10 seconds, minute and ten minutes, from one sample a second. Matches Apache's StoreStatsService. */
export class Throughput {
  readonly #samples: { readonly atMs: number; readonly total: number }[] = [];

  sample(atMs: number, total: number): void {
    this.#samples.push({ atMs, total });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Per second over the span; undefined while there are no samples for it yet. */
  rate(spanSeconds: number): number | undefined {
    const last = this.#samples.at(-1);
    const first = this.#samples.at(-1 - spanSeconds);
    if (last === undefined || first === undefined || last.atMs <= first.atMs) return undefined;
    return ((last.total - first.total) * 1000) / (last.atMs - first.atMs);
  }

  /** Three numbers separated by blanks; a span without samples is left empty. */
  toString(): string {
    return [10, 60, 600].map((span) => this.rate(span) ?? '').join(' ');
  }
}
