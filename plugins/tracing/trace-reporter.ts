import { isTraceTopic, type Logger, type TraceRecord } from '../../core/index.js';
import type { TraceDispatcher } from './trace-dispatcher.js';

/** What all records of a client go through on their way to its dispatcher. Nothing that is wrong there reaches a send. */
export class TraceReporter {
  readonly #traceTopic: string;
  readonly #logger: Logger;
  #dispatcher: TraceDispatcher | undefined;
  /** The plugin whose dispatcher it is. */
  #boundBy: string | undefined;
  #traced = 0;
  #dropped = 0;
  #warned = false;
  #closed = false;

  constructor(traceTopic: string, logger: Logger) {
    this.#traceTopic = traceTopic;
    this.#logger = logger;
  }

  /** Records that the dispatcher took. */
  get traced(): number {
    return this.#traced;
  }

  /** Records that it had no room for, or that came while there was none. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Records that it took and could not deliver. */
  get lost(): number {
    return this.#dispatcher?.lost ?? 0;
  }

  /** From here on records go there. */
  use(dispatcher: TraceDispatcher, boundBy?: string): void {
    this.#dispatcher = dispatcher;
    this.#boundBy = boundBy;
  }

  async flush(): Promise<void> {
    await this.#dispatcher?.flush?.();
  }

  /** Takes nothing more, and lets the dispatcher deliver what it has. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#dispatcher?.close?.();
  }

  /** Whether messages of a topic are traced: those that carry traces are not. */
  traces(topic: string): boolean {
    return !isTraceTopic(topic, this.#traceTopic);
  }

  report(record: TraceRecord): void {
    try {
      const taken: unknown = this.#closed ? false : this.#dispatcher?.append(record);
      if (taken === true) {
        this.#traced++;
        return;
      }
      // Nobody waits for a promise here: what it rejects with would be an unhandled rejection.
      if (typeof taken === 'object') {
        Promise.resolve(taken).catch(() => undefined);
        this.#warn('append of the trace dispatcher has to return true or false, not a promise');
      }
    } catch (error) {
      this.#warn('the trace dispatcher throws what it should drop', error);
    }
    this.#dropped++;
  }

  #warn(what: string, error?: unknown): void {
    if (!this.#warned) this.#logger.warn(what, { error, boundBy: this.#boundBy });
    this.#warned = true;
  }
}
