import type { Clock, Timer } from '../../runtime/clock.js';
import type { RunningDelivery } from './running-delivery.js';

/** Deliveries that run, in order of their starts, and one timer for the oldest: all have the same time. */
export class DeliveryDeadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onOverdue: (delivery: RunningDelivery) => void;
  readonly #running = new Set<RunningDelivery>();
  #timer: Timer | undefined;

  /** @param timeoutMs Infinity for none @param onOverdue takes it out with `end` */
  constructor(clock: Clock, timeoutMs: number, onOverdue: (delivery: RunningDelivery) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onOverdue = onOverdue;
  }

  get running(): readonly RunningDelivery[] {
    return [...this.#running];
  }

  begin(delivery: RunningDelivery): void {
    this.#running.add(delivery);
    if (this.#timeoutMs === Number.POSITIVE_INFINITY) return;
    this.#timer ??= this.#clock.setTimer(this.#timeoutMs, () => this.#look());
  }

  end(delivery: RunningDelivery): void {
    this.#running.delete(delivery);
  }

  /** Nothing is overdue any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonic();
    for (const delivery of this.running) {
      const leftMs = delivery.startedMs + this.#timeoutMs - nowMs;
      if (leftMs > 0) {
        this.#timer ??= this.#clock.setTimer(leftMs, () => this.#look());
        return;
      }
      this.#onOverdue(delivery);
    }
  }
}
