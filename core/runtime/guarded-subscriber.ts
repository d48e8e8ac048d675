import { Observable, type Observer, Subscriber, type Subscription } from 'rxjs';

/** What `subscribe` was called with. */
export type Subscribing<T> = readonly [
  observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
  error?: ((error: unknown) => void) | null,
  complete?: (() => void) | null,
];

/** Whether it is what operators subscribe with, of whichever copy of RxJS: those look after what is thrown in them. */
export function isSubscriber<T>(candidate: Subscribing<T>[0]): candidate is Subscriber<T> {
  if (candidate instanceof Subscriber) return true;
  const { add, unsubscribe } = (candidate ?? {}) as Partial<Subscriber<T>>;
  return typeof add === 'function' && typeof unsubscribe === 'function';
}

/**
 * Calls a subscriber's functions, and drops it when one throws; lets go of what it is subscribed to, whatever that throws then.
 * RxJS alone would raise all of that as uncaught exceptions, or into whoever ended it.
 * @param report told of what is thrown
 * @param unheard told of an error that it has no function for
 */
export function guardedSubscriber<T>(
  [observerOrNext, error, complete]: Subscribing<T>,
  report: (thrown: unknown) => void,
  unheard: (error: unknown) => void,
): Subscriber<T> {
  if (typeof observerOrNext === 'object' && observerOrNext !== null) {
    return new GuardedSubscriber(observerOrNext, report, unheard);
  }
  const observer = {
    ...(observerOrNext && { next: observerOrNext }),
    ...(error && { error }),
    ...(complete && { complete }),
  };
  return new GuardedSubscriber(observer, report, unheard);
}

class GuardedSubscriber<T> extends Subscriber<T> {
  readonly #observer: Partial<Observer<T>>;
  readonly #report: (thrown: unknown) => void;
  readonly #unheard: (error: unknown) => void;

  constructor(observer: Partial<Observer<T>>, report: (thrown: unknown) => void, unheard: (error: unknown) => void) {
    super();
    this.#observer = observer;
    this.#report = report;
    this.#unheard = unheard;
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe();
    } catch (error) {
      this.#report(error);
    }
  }

  protected override _next(value: T): void {
    try {
      this.#observer.next?.(value);
    } catch (error) {
      this.#report(error);
      this.unsubscribe();
    }
  }

  protected override _error(error: unknown): void {
    try {
      if (this.#observer.error) this.#observer.error(error);
      else this.#unheard(error);
    } catch (thrown) {
      this.#report(thrown);
    }
    this.unsubscribe();
  }

  protected override _complete(): void {
    try {
      this.#observer.complete?.();
    } catch (error) {
      this.#report(error);
    }
    this.unsubscribe();
  }
}

/**
 * What a plugin is given to subscribe to. An error that it has no function for is nothing to report: whoever gave it the
 * Observable hears of that another way.
 */
export class GuardedObservable<T> extends Observable<T> {
  readonly #report: (thrown: unknown) => void;

  constructor(
    report: (thrown: unknown) => void,
    start: (this: Observable<T>, subscriber: Subscriber<T>) => (() => void) | Subscription | undefined,
  ) {
    super(start);
    this.#report = report;
  }

  /** Operators come with a Subscriber. */
  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (isSubscriber(observerOrNext)) return super.subscribe(observerOrNext);
    return super.subscribe(guardedSubscriber([observerOrNext, error, complete], this.#report, () => {}));
  }
}
