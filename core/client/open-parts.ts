import type { Clock } from '../runtime/clock.js';

/** A producer or consumer, as far as closing it goes. */
export interface OpenPart {
  readonly state: string;
  close(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
}

/** What was made from a client and is not closed yet, in order. */
export class OpenParts {
  readonly #parts = new Set<OpenPart>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add<P extends OpenPart>(part: P): P {
    for (const other of this.#parts) if (other.state === 'shut down') this.#parts.delete(other);
    this.#parts.add(part);
    return part;
  }

  remove(part: OpenPart): void {
    this.#parts.delete(part);
  }

  get size(): number {
    return this.#parts.size;
  }

  /** Closes the last made first, one after another, since the earlier may serve the later; all of them share the time. */
  async close(options: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal;
    readonly onError: (error: unknown) => void;
  }): Promise<void> {
    const deadlineMs = this.#clock.monotonic() + options.timeoutMs;
    const parts = [...this.#parts].reverse();
    this.#parts.clear();
    for (const part of parts) {
      const timeoutMs = Math.max(0, deadlineMs - this.#clock.monotonic());
      try {
        await part.close({ timeoutMs, ...(options.signal === undefined ? {} : { signal: options.signal }) });
      } catch (error) {
        options.onError(error);
      }
    }
  }
}
