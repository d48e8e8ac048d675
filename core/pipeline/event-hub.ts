import { Observable, type Observer, type Operator, Subscriber, type Subscription } from 'rxjs';
import { guardedSubscriber, isSubscriber } from '../runtime/guarded-subscriber.js';
import type { Logger } from '../runtime/logger.js';
import type { StageEvent } from './events.js';

/**
 * The hot stream behind `events$`. A subscriber that throws is dropped and reported to the logger, also behind `pipe`:
 * RxJS alone would raise it as an uncaught exception. What subscribes through other Observables (`merge`, `share`,
 * `combineLatest`) is RxJS's own subscriber and out of our reach: its exceptions end as RxJS ends them.
 */
export class EventHub<E = StageEvent> {
  readonly events$: Observable<E>;
  /** Whether anybody listens: while nobody does, no event is made. */
  observed = false;
  #listeners: readonly Subscriber<E>[] = [];
  #closed = false;

  /** @param name of the stream, as reports about its subscribers say it */
  constructor(logger: Logger, name = 'pipeline.events$') {
    this.events$ = new EventStream<E>({ logger, name }, (subscriber) => this.#listen(subscriber));
  }

  emit(event: E): void {
    for (const listener of this.#listeners) listener.next(event);
  }

  /** Completes the stream. */
  close(): void {
    this.#closed = true;
    const listeners = this.#listeners;
    this.#replace([]);
    for (const listener of listeners) listener.complete();
  }

  #listen(subscriber: Subscriber<E>): (() => void) | undefined {
    if (this.#closed) {
      subscriber.complete();
      return undefined;
    }
    this.#replace([...this.#listeners, subscriber]);
    return () => this.#replace(this.#listeners.filter((listener) => listener !== subscriber));
  }

  #replace(listeners: readonly Subscriber<E>[]): void {
    this.#listeners = listeners;
    this.observed = listeners.length > 0;
  }
}

/** Where subscribers that throw are reported. */
interface Reporting {
  readonly logger: Logger;
  readonly name: string;
}

class EventStream<T> extends Observable<T> {
  readonly #reporting: Reporting;

  constructor(reporting: Reporting, subscribe?: (subscriber: Subscriber<T>) => (() => void) | undefined) {
    super(subscribe);
    this.#reporting = reporting;
  }

  /** What `pipe` builds upon: the stream behind an operator guards its subscribers as well. */
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new EventStream<R>(this.#reporting);
    lifted.source = this;
    lifted.operator = operator as Operator<unknown, R> | undefined;
    return lifted;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (isSubscriber(observerOrNext)) return super.subscribe(observerOrNext);
    const { logger, name } = this.#reporting;
    const report = (thrown: unknown): void =>
      logger.error(`A subscriber of ${name} threw and was dropped`, { error: thrown });
    return super.subscribe(guardedSubscriber([observerOrNext, error, complete], report, report));
  }
}
