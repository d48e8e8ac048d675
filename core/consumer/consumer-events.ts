import { type Observable, Subject } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { ConsumerEvent } from './consumer-event.js';

/** An event as its origin knows it; time and group are added. */
type Origin<E> = E extends unknown ? Omit<E, 'atMs' | 'group'> : never;
export type ConsumerEventOrigin = Origin<ConsumerEvent>;

/** The events of one consumer. Ask `observed` before making one: nobody listening costs a property read. */
export class ConsumerEvents {
  readonly #subject = new Subject<ConsumerEvent>();
  readonly #group: string;
  readonly #clock: Clock;

  constructor(group: string, clock: Clock) {
    this.#group = group;
    this.#clock = clock;
  }

  get events$(): Observable<ConsumerEvent> {
    return this.#subject;
  }

  get observed(): boolean {
    return this.#subject.observed;
  }

  emit(event: ConsumerEventOrigin): void {
    this.#subject.next({ ...event, atMs: this.#clock.monotonic(), group: this.#group } as ConsumerEvent);
  }

  complete(): void {
    this.#subject.complete();
  }
}
