import { inject, injectable } from 'inversify';
import { Clock } from '../../runtime/clock.js';
import { Logger } from '../../runtime/logger.js';
import { Scheduler } from '../../runtime/scheduler.js';
import type { BrokerService } from './broker-service.js';

const SAMPLE_PERIOD_MS = 10_000;
/** The rate is that of the last minute (Apache's tpsGroupGetNums). */
const SAMPLES_MAX = 7;

interface Counter {
  count: number;
  readonly samples: { readonly atMs: number; readonly count: number }[];
}

/** How many messages a second each group gets of each topic. Groups that get nothing for a minute are forgotten. */
@injectable()
export class ConsumeRates implements BrokerService {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  /** By `topic@group`. */
  readonly #counters = new Map<string, Counter>();

  constructor(@inject(Clock) clock: Clock, @inject(Logger) logger: Logger) {
    this.#clock = clock;
    this.#scheduler = new Scheduler(clock, logger);
  }

  start(): void {
    this.#scheduler.every('broker: count what groups get', { periodMs: SAMPLE_PERIOD_MS }, () => this.sample());
  }

  close(): Promise<void> {
    return this.#scheduler.close();
  }

  got(topic: string, group: string, messages: number): void {
    const key = `${topic}@${group}`;
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = { count: 0, samples: [{ atMs: this.#clock.monotonic(), count: 0 }] };
      this.#counters.set(key, counter);
    }
    counter.count += messages;
  }

  /** Messages a second; 0 for a group that got none, or got its first less than ten seconds ago. */
  rate(topic: string, group: string): number {
    const samples = this.#counters.get(`${topic}@${group}`)?.samples ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return ((last.count - first.count) * 1000) / (last.atMs - first.atMs);
  }

  sample(): void {
    const atMs = this.#clock.monotonic();
    for (const [key, { count, samples }] of [...this.#counters]) {
      samples.push({ atMs, count });
      if (samples.length <= SAMPLES_MAX) continue;
      samples.shift();
      if (samples[0]?.count === count) this.#counters.delete(key);
    }
  }
}
