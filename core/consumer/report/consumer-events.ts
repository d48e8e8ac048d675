import type { Observable } from 'rxjs';
import { EventHub } from '../../pipeline/event-hub.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { ConsumerEvent } from './consumer-event.js';

/** An event as its origin knows it; time and group are added. */
type Origin<E> = E extends unknown ? Omit<E, 'atMs' | 'group'> : never;
export type ConsumerEventOrigin = Origin<ConsumerEvent>;

/** The events of one consumer. Ask `observed` before making one: nobody listening costs a property read. */
export class ConsumerEvents {
  readonly #hub: EventHub<ConsumerEvent>;
  readonly #group: string;
  readonly #clock: Clock;

  constructor(group: string, clock: Clock, logger: Logger) {
    this.#hub = new EventHub(logger, 'consumer.events$');
    this.#group = group;
    this.#clock = clock;
  }

  get events$(): Observable<ConsumerEvent> {
    return this.#hub.events$;
  }

  get observed(): boolean {
    return this.#hub.observed;
  }

  emit(event: ConsumerEventOrigin): void {
    this.#hub.emit({ ...event, atMs: this.#clock.monotonic(), group: this.#group } as ConsumerEvent);
  }

  complete(): void {
    this.#hub.close();
  }
}
