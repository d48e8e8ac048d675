/** What came in a span of time. */
export interface StatsSnapshot {
  /** All of it. */
  readonly sum: number;
  /** A second. */
  readonly tps: number;
  /** At one time. */
  readonly avgpt: number;
}

interface Sample {
  readonly atMs: number;
  readonly count: number;
  readonly times: number;
}

/** Spans that are told, and how many samples reach back so far: every 10 seconds, 10 minutes, hour. */
export const STATS_SPANS = { minute: 7, hour: 7, day: 25 } as const;

export type StatsSpan = keyof typeof STATS_SPANS;

/** Counts one thing, and what it was in the last minute, hour and day. Matches Apache's StatsItem. */
export class StatsItem {
  #count = 0;
  #times = 0;
  readonly #samples: { readonly [K in StatsSpan]: Sample[] };

  /** @param nowMs monotonic, as all others */
  constructor(nowMs: number) {
    const begin = { atMs: nowMs, count: 0, times: 0 };
    this.#samples = { minute: [begin], hour: [begin], day: [begin] };
  }

  add(count: number): void {
    this.#count += count;
    this.#times++;
  }

  sample(span: StatsSpan, nowMs: number): void {
    const samples = this.#samples[span];
    samples.push({ atMs: nowMs, count: this.#count, times: this.#times });
    if (samples.length > STATS_SPANS[span]) samples.shift();
  }

  /** From the first sample of the span to the last; all 0 before there are two. */
  snapshot(span: StatsSpan): StatsSnapshot {
    const samples = this.#samples[span];
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return { sum: 0, tps: 0, avgpt: 0 };
    const sum = last.count - first.count;
    const times = last.times - first.times;
    return { sum, tps: (sum * 1000) / (last.atMs - first.atMs), avgpt: times === 0 ? 0 : sum / times };
  }

  /** Whether nothing came for a day. */
  get isIdle(): boolean {
    const { day } = this.#samples;
    return day.length === STATS_SPANS.day && day[0]?.count === this.#count;
  }
}
