import { isRocketMQError, type Producer } from '../../../core/index.js';

/** How one send ended. */
export interface Outcome {
  readonly key: string;
  readonly topic: string;
  readonly tookMs: number;
  /** The broker that acknowledged it. */
  readonly broker?: string;
  readonly error?: unknown;
}

export interface SteadyLoadOptions {
  readonly producer: Producer;
  readonly topics: readonly string[];
  /** Between two sends, whatever became of those before. */
  readonly intervalMs: number;
}

/** Sends a message to one topic after the other at a steady pace, each with a key of its own. */
export class SteadyLoad {
  readonly #options: SteadyLoadOptions;
  readonly #outcomes: Outcome[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #acknowledgedBy = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#send(), options.intervalMs);
  }

  get outcomes(): readonly Outcome[] {
    return this.#outcomes;
  }

  /** Keys of the messages that were acknowledged. */
  get acknowledged(): string[] {
    return this.#outcomes.filter(({ error }) => error === undefined).map(({ key }) => key);
  }

  /** How many messages a broker has acknowledged so far. */
  acknowledgedBy(broker: string): number {
    return this.#acknowledgedBy.get(broker) ?? 0;
  }

  /** Sends no more and resolves when every send has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#inFlight);
  }

  #send(): void {
    const { producer, topics } = this.#options;
    const key = `k${this.#sent++}`;
    const topic = topics[this.#sent % topics.length] ?? '';
    const startedAt = performance.now();
    const flight = producer
      .send({ topic, body: `message ${key}`, keys: key })
      .then(
        ({ queue: { brokerName: broker } }) => {
          this.#acknowledgedBy.set(broker, this.acknowledgedBy(broker) + 1);
          this.#outcomes.push({ key, topic, tookMs: performance.now() - startedAt, broker });
        },
        (error: unknown) => {
          this.#outcomes.push({ key, topic, tookMs: performance.now() - startedAt, error });
        },
      )
      .finally(() => this.#inFlight.delete(flight));
    this.#inFlight.add(flight);
  }
}

/** How many sends ended in each error code; an error without one counts as `untyped`. */
export function countErrors(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { error } of outcomes) {
    if (error === undefined) continue;
    const code = isRocketMQError(error) ? error.code : 'untyped';
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}
