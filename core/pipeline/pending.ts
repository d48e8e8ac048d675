import { Observable, type Observer, Subscriber, type Subscription } from 'rxjs';
import { guardedSubscriber, isSubscriber } from '../runtime/guarded-subscriber.js';
import type { SendResult } from './send-result.js';
import type { SendState } from './send-state.js';

/** Told once how a pass through the rest of the chain ended. */
export interface OutcomeSink {
  onResult(result: SendResult): void;
  onError(error: unknown): void;
}

/**
 * Something that happens when a pass ends, registered on its Observable instead of an operator around it. Steps run in
 * the order in which interceptors returned: inner ones first.
 */
export interface PassStep {
  /** Index of the interceptor that registered it; the chain fills it in. */
  owner: number;
  /** The one after it; the Observable fills it in. */
  next: PassStep | undefined;
  /** An Observable takes the place of the result; undefined lets it pass. */
  onResult(result: SendResult): Observable<SendResult> | undefined;
  /** An Observable takes the place of the error; undefined lets it pass. */
  onError(error: unknown): Observable<SendResult> | undefined;
}

const WAITING = 0;
const STEPPING = 1;
const ENDED = 2;

/** Brand of the chain's own Observables; registered, so that `settled` of another copy of the package knows them. */
export const PENDING_BRAND = Symbol.for('multistage.Pending');

/**
 * The Observable that stages return: it starts nothing when it is subscribed, because its work runs already; it keeps
 * the outcome until somebody subscribes, once. Layers that add nothing hand the very same one outward, which is why a
 * chain without plugins costs one Observable and no operator.
 *
 * What every send makes (this, its subclasses, {@link SendState}, contexts, the retry loop) keeps its own in fields that
 * the compiler holds private: `#private` ones take longer to make, 0.1 µs a send together.
 */
export class Pending extends Observable<SendResult> implements OutcomeSink {
  declare readonly [PENDING_BRAND]: true;
  declare readonly state: SendState;
  /** Index of the node that waits here. */
  declare readonly node: number;
  /** Index of the outermost node that returned it so far; the node before that one holds it now. */
  declare holder: number;
  /** Whether it was subscribed. */
  declare taken: boolean;
  /** The one registered before it in the same send. */
  declare readonly older: Pending | undefined;
  declare private phase: number;
  declare private sink: OutcomeSink | undefined;
  declare protected result: SendResult | undefined;
  declare private error: unknown;
  /** The next step; the others hang on it. */
  declare private step: PassStep | undefined;
  /** What it waits for in turn, inside the chain. */
  declare private inner: Pending | undefined;

  constructor(state: SendState, node: number) {
    super(subscribeToPending);
    this.state = state;
    this.node = node;
    this.holder = node;
    this.taken = false;
    this.older = state.newest;
    this.phase = WAITING;
    this.sink = undefined;
    this.result = undefined;
    this.error = undefined;
    this.step = undefined;
    this.inner = undefined;
    state.newest = this;
  }

  /** Whether its own work still goes on. */
  get waiting(): boolean {
    return this.phase === WAITING;
  }

  /** Whether its outcome is known. */
  get ended(): boolean {
    return this.phase === ENDED;
  }

  /** Whether bytes of a request behind it may have left. */
  get sent(): 'no' | 'maybe' {
    return 'no';
  }

  /** The plugin that has a request behind it, where that is not with a broker. */
  get heldBy(): string | undefined {
    return undefined;
  }

  /** Ends a request that is with a broker as that broker's time-out. Tells whether there was one. */
  timeOut(): boolean {
    return false;
  }

  /** Stops the work behind it; nobody wants its outcome any more. */
  protected abandon(): void {}

  /** Ends the wait with an error from outside: a deadline, a cancellation, an operator that unsubscribes. */
  interrupt(error: unknown): void {
    if (this.phase === ENDED) return;
    if (this.inner !== undefined && this.inner.phase !== ENDED) {
      this.inner.interrupt(error);
      return;
    }
    this.abandon();
    this.onError(error);
  }

  /** The same when nobody listens any more. */
  drop(error: unknown): void {
    this.sink = undefined;
    this.interrupt(error);
  }

  /** Ends as `observable` ends; `owner` is the node that returned it. */
  adopt(observable: Observable<SendResult>, owner: number): void {
    const inner = this.state.chain.own(observable, this.state, owner);
    this.inner = inner;
    inner.deliverTo(this);
  }

  onResult(result: SendResult): void {
    if (this.phase === ENDED) return;
    this.phase = STEPPING;
    this.result = result;
    this.runSteps(false);
  }

  onError(error: unknown): void {
    if (this.phase === ENDED) return;
    this.phase = STEPPING;
    this.error = error;
    this.runSteps(true);
  }

  /** Stands for the Observable of a layer inside that has `result`, and that nobody but this one is going to see. */
  standFor(result: SendResult): this {
    this.result = result;
    return this;
  }

  get hasSteps(): boolean {
    return this.step !== undefined;
  }

  /** Adds something that happens at the end; at once when the end has come already. */
  addStep(step: PassStep): void {
    if (this.step === undefined) this.step = step;
    else {
      let last = this.step;
      while (last.next !== undefined) last = last.next;
      last.next = step;
    }
    if (this.phase === ENDED) {
      this.phase = STEPPING;
      this.runSteps(this.result === undefined);
    }
  }

  /** Gives the steps without an owner to the node that just returned. */
  claimSteps(owner: number): void {
    for (let step = this.step; step !== undefined; step = step.next) if (step.owner === -1) step.owner = owner;
  }

  /**
   * For plugins, and for operators, which come with a Subscriber. What a plugin's functions throw is a complaint in the log; an
   * error that it has none for is the send's, which hears of it another way or does not want to.
   */
  override subscribe(
    observerOrNext?: Partial<Observer<SendResult>> | ((value: SendResult) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (isSubscriber(observerOrNext)) return super.subscribe(observerOrNext);
    const complain = (thrown: unknown): void => this.state.chain.complain(this.holder - 1, thrown);
    return super.subscribe(guardedSubscriber([observerOrNext, error, complete], complain, () => {}));
  }

  /** The engine's own subscription, without a Subscriber. */
  deliverTo(sink: OutcomeSink): void {
    this.taken = true;
    this.sink = sink;
    if (this.phase === ENDED) this.deliver();
  }

  private runSteps(failed: boolean): void {
    let hasFailed = failed;
    for (let step = this.step; step !== undefined; step = this.step) {
      try {
        const replacement = hasFailed ? step.onError(this.error) : step.onResult(this.result!);
        if (replacement !== undefined) {
          // The step stays, and looks at how its replacement ends.
          this.result = undefined;
          this.error = undefined;
          this.adopt(replacement, this.ownerOf(step));
          return;
        }
      } catch (error) {
        hasFailed = true;
        this.result = undefined;
        this.error = this.state.chain.label(error, this.ownerOf(step));
      }
      this.step = step.next;
    }
    if (hasFailed) this.result = undefined;
    this.phase = ENDED;
    if (this.sink !== undefined) this.deliver();
  }

  /** Whose step it is: until the interceptor that registered it has returned, that is the one that holds this. */
  ownerOf(step: PassStep): number {
    return step.owner === -1 ? this.holder - 1 : step.owner;
  }

  private deliver(): void {
    const sink = this.sink!;
    this.sink = undefined;
    if (this.result !== undefined) sink.onResult(this.result);
    else sink.onError(this.error);
  }
}

Object.defineProperty(Pending.prototype, PENDING_BRAND, { value: true });

/** Whether an Observable is one of the chain's own, of whichever copy of the package. */
export function isPending(candidate: unknown): candidate is Pending {
  return typeof candidate === 'object' && candidate !== null && PENDING_BRAND in candidate;
}

/** Shared by all, so that no Observable carries a closure. */
function subscribeToPending(this: Observable<SendResult>, subscriber: Subscriber<SendResult>): () => void {
  const pending = this as Pending;
  if (pending.taken) {
    subscriber.error(pending.state.misuse(pending.holder - 1, 'the Observable of next is subscribed once'));
    return () => {};
  }
  pending.deliverTo({
    onResult: (result) => {
      subscriber.next(result);
      subscriber.complete();
    },
    onError: (error) => subscriber.error(error),
  });
  // An operator that gives up on the rest of the chain (a timeout of a plugin's own) drops the request with it.
  return () => {
    if (!pending.ended) pending.drop(pending.state.aborted());
  };
}
