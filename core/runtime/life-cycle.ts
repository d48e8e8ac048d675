import { rocketMQError } from '../errors/rocketmq-error.js';

/** States of a client instance, a producer or a consumer. Matches Apache's ServiceState. */
export type LifeCycleState = 'created' | 'running' | 'start failed' | 'shut down';

/**
 * The one small state machine of everything that is started once and closed once:
 * `created → running | start failed`, and from each of them `→ shut down`.
 */
export class LifeCycle {
  readonly #what: string;
  #state: LifeCycleState = 'created';
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #cause: unknown;

  /** `what` names the thing in errors: `producer checkout`. */
  constructor(what: string) {
    this.#what = what;
  }

  get state(): LifeCycleState {
    return this.#state;
  }

  /** Runs `work` at the first call; further calls share its end. @throws RMQ_NOT_RUNNING with the first failure as cause */
  start(work: () => Promise<void> | void): Promise<void> {
    if (this.#state === 'start failed' || this.#state === 'shut down') return Promise.reject(this.#notRunning());
    this.#starting ??= this.#run(work);
    return this.#starting;
  }

  async #run(work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
      if (this.#state === 'created') this.#state = 'running';
    } catch (error) {
      if (this.#state === 'created') this.#state = 'start failed';
      this.#cause = error;
      throw error;
    }
    if (this.#state === 'shut down') throw this.#notRunning();
  }

  /** @throws RMQ_NOT_RUNNING naming the state, with the failure of the start as its cause */
  requireRunning(): void {
    if (this.#state !== 'running') throw this.#notRunning();
  }

  /** Refuses new work at once and runs `work` at the first call; further calls share its end. */
  close(work: () => Promise<void> | void): Promise<void> {
    this.#closing ??= (async () => {
      this.#state = 'shut down';
      await work();
    })();
    return this.#closing;
  }

  #notRunning() {
    const why = this.#cause === undefined ? '' : `: its start failed with ${describeCause(this.#cause)}`;
    return rocketMQError(
      'RMQ_NOT_RUNNING',
      `The ${this.#what} is not running but ${this.#state}${why}`,
      { state: this.#state },
      { cause: this.#cause },
    );
  }
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
