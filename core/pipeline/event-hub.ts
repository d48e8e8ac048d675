import { Observable, type Observer, type Operator, Subscriber, type Subscription } from 'rxjs';
import type { Logger } from '../runtime/logger.js';
import type { StageEvent } from './events.js';

/**
 * The hot stream behind `events$`. A subscriber that throws is dropped and reported to the logger, also behind `pipe`:
 * RxJS alone would raise it as an uncaught exception. What subscribes through other Observables (`merge`, `share`,
 * `combineLatest`) is RxJS's own subscriber and out of our reach: its exceptions end as RxJS ends them.
 */
export class EventHub {
  readonly events$: Observable<StageEvent>;
  /** Whether anybody listens: while nobody does, no event is made. */
  observed = false;
  readonly #logger: Logger;
  #listeners: readonly Subscriber<StageEvent>[] = [];
  #closed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.events$ = new EventStream<StageEvent>(this.#logger, (subscriber) => this.#listen(subscriber));
  }

  emit(event: StageEvent): void {
    for (const listener of this.#listeners) listener.next(event);
  }

  /** Completes the stream. */
  close(): void {
    this.#closed = true;
    const listeners = this.#listeners;
    this.#replace([]);
    for (const listener of listeners) listener.complete();
  }

  #listen(subscriber: Subscriber<StageEvent>): (() => void) | undefined {
    if (this.#closed) {
      subscriber.complete();
      return undefined;
    }
    this.#replace([...this.#listeners, subscriber]);
    return () => this.#replace(this.#listeners.filter((listener) => listener !== subscriber));
  }

  #replace(listeners: readonly Subscriber<StageEvent>[]): void {
    this.#listeners = listeners;
    this.observed = listeners.length > 0;
  }
}

class EventStream<T> extends Observable<T> {
  readonly #logger: Logger;

  constructor(logger: Logger, subscribe?: (subscriber: Subscriber<T>) => (() => void) | undefined) {
    super(subscribe);
    this.#logger = logger;
  }

  /** What `pipe` builds upon: the stream behind an operator guards its subscribers as well. */
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new EventStream<R>(this.#logger);
    lifted.source = this;
    lifted.operator = operator as Operator<unknown, R> | undefined;
    return lifted;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const observer: Partial<Observer<T>> =
      typeof observerOrNext === 'object' && observerOrNext !== null
        ? observerOrNext
        : {
            ...(observerOrNext && { next: observerOrNext }),
            ...(error && { error }),
            ...(complete && { complete }),
          };
    return super.subscribe(new GuardedSubscriber(observer, this.#logger));
  }
}

/** Calls a listener's functions and drops the listener when one throws. */
class GuardedSubscriber<T> extends Subscriber<T> {
  readonly #observer: Partial<Observer<T>>;
  readonly #logger: Logger;

  constructor(observer: Partial<Observer<T>>, logger: Logger) {
    super();
    this.#observer = observer;
    this.#logger = logger;
  }

  protected override _next(value: T): void {
    this.#call(() => this.#observer.next?.(value));
  }

  protected override _error(error: unknown): void {
    this.#call(() => {
      if (this.#observer.error) this.#observer.error(error);
      else this.#report(error);
    });
    this.unsubscribe();
  }

  protected override _complete(): void {
    this.#call(() => this.#observer.complete?.());
    this.unsubscribe();
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#report(error);
      this.unsubscribe();
    }
  }

  #report(error: unknown): void {
    this.#logger.error('A subscriber of pipeline.events$ threw and was dropped', { error });
  }
}
