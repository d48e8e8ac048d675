import { isObservable, Observable, of } from 'rxjs';
import { isRocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { GuardedObservable, guardedSubscriber } from '../../runtime/guarded-subscriber.js';
import { watchRejection } from '../../runtime/watch-rejection.js';
import type { DeliveryContext, DeliveryHandler, DeliveryInterceptor, DeliveryOutcome } from './delivery.js';
import { DeliveryPass } from './delivery-pass.js';

/** Told exactly once how a delivery ended, perhaps before the call that started it returned. */
export type SettleDelivery = (outcome: DeliveryOutcome) => void;

/** The end of the chain: calls the application. Settles exactly once and never throws. */
export type DeliveryEnd = (context: DeliveryContext, settle: SettleDelivery) => void;

export interface NamedDeliveryInterceptor {
  readonly plugin: string;
  readonly interceptor: DeliveryInterceptor;
}

/**
 * Composes a consumer's deliveries once: the interceptors from the outside in, `end` innermost. Without interceptors it
 * is `end` itself, and no Observable is made.
 *
 * Each interceptor is guarded: it calls `next` at most once, with a context of the same delivery and as many messages;
 * it subscribes what `next` returned at most once; and it ends in exactly one outcome. What it throws or raises becomes
 * the outcome `retry` with RMQ_PLUGIN_FAILED, a broken rule becomes `retry` with RMQ_PIPELINE_MISUSE; both name it. So
 * an interceptor further out sees outcomes only, and a message is never lost by a plugin's mistake.
 *
 * @param onLateMisuse told of rules that are broken after the delivery had ended
 */
export function composeDelivery(
  interceptors: readonly NamedDeliveryInterceptor[],
  end: DeliveryEnd,
  onLateMisuse: (error: unknown) => void,
): DeliveryEnd {
  if (interceptors.length === 0) return end;
  const innermost = interceptors.at(-1)?.plugin;
  let handler: DeliveryHandler = (context) => {
    DeliveryPass.hold(context, undefined);
    return started((settle) =>
      end(context, (outcome) => {
        DeliveryPass.hold(context, innermost);
        settle(outcome);
      }),
    );
  };
  for (const [index, named] of [...interceptors.entries()].reverse()) {
    const next = handler;
    const outer = interceptors[index - 1]?.plugin;
    handler = (context) => new Guard(named, outer, next, context, onLateMisuse).run();
  }
  const outermost = handler;
  return (context, settle) => {
    // How many there are, and in what order, is what their outcomes are counted by.
    Object.freeze(context.messages);
    outermost(context).subscribe(settle);
  };
}

/** Starts the work at once and hands its one outcome to whoever subscribes. */
function started(work: (settle: SettleDelivery) => void): Observable<DeliveryOutcome> {
  let outcome: DeliveryOutcome | undefined;
  let listener: SettleDelivery | undefined;
  work((settled) => {
    outcome = settled;
    listener?.(settled);
  });
  if (outcome !== undefined) return of(outcome);
  return new Observable((subscriber) => {
    const tell: SettleDelivery = (settled) => {
      subscriber.next(settled);
      subscriber.complete();
    };
    if (outcome !== undefined) tell(outcome);
    else listener = tell;
  });
}

/** One interceptor in one delivery. */
class Guard {
  readonly #plugin: string;
  readonly #interceptor: DeliveryInterceptor;
  /** The plugin around this one. */
  readonly #outer: string | undefined;
  readonly #next: DeliveryHandler;
  readonly #context: DeliveryContext;
  readonly #onLateMisuse: (error: unknown) => void;
  #calledNext = false;
  #settled = false;
  #misuse: DeliveryOutcome | undefined;

  constructor(
    { plugin, interceptor }: NamedDeliveryInterceptor,
    outer: string | undefined,
    next: DeliveryHandler,
    context: DeliveryContext,
    onLateMisuse: (error: unknown) => void,
  ) {
    this.#plugin = plugin;
    this.#interceptor = interceptor;
    this.#outer = outer;
    this.#next = next;
    this.#context = context;
    this.#onLateMisuse = onLateMisuse;
  }

  run(): Observable<DeliveryOutcome> {
    DeliveryPass.hold(this.#context, this.#plugin);
    let returned: unknown;
    try {
      returned = this.#interceptor(this.#context, (context) => this.#callNext(context));
    } catch (error) {
      return of(this.#settle(this.#failed(error)));
    }
    if (!isObservable(returned)) {
      watchRejection(returned, () => {});
      return of(this.#settle(this.#broken('returned something that is no Observable')));
    }
    const observable = returned as Observable<DeliveryOutcome>;
    return new Observable((subscriber) => {
      let outcome: DeliveryOutcome | undefined;
      const end = (settled: DeliveryOutcome): void => {
        subscriber.next(this.#settle(settled));
        subscriber.complete();
      };
      const observer = {
        next: (value: DeliveryOutcome) => {
          if (outcome !== undefined) end(this.#broken('ended in two outcomes'));
          else if (isOutcome(value, this.#context.messages.length)) outcome = value;
          else
            end(
              this.#broken(
                "ended in something other than { kind: 'ack' }, { kind: 'retry', error }, { kind: 'deadLetter', reason }, or { kind: 'each', outcomes } with one of these for each message",
              ),
            );
        },
        error: (error: unknown) => end(this.#failed(error)),
        complete: () => end(outcome ?? this.#broken('ended without an outcome')),
      };
      return observable.subscribe(guardedSubscriber([observer], this.#report, this.#report));
    });
  }

  /** Told what the interceptor throws when nobody can be told any more. */
  readonly #report = (thrown: unknown): void => this.#onLateMisuse(errorOf(this.#failed(thrown)));

  #callNext(context: DeliveryContext): Observable<DeliveryOutcome> {
    if (this.#calledNext) return of(this.#broken('called next twice'));
    this.#calledNext = true;
    if (this.#settled) return of(this.#broken('called next after the delivery had ended'));
    if (!DeliveryPass.same(context, this.#context)) {
      return of(this.#broken('called next with a context that context.with did not make'));
    }
    if (!Array.isArray(context.messages) || context.messages.length !== this.#context.messages.length) {
      return of(this.#broken('passed on more or fewer messages than it was given'));
    }
    if (!context.messages.every((message) => typeof message === 'object' && message !== null)) {
      return of(this.#broken('passed on something that is no message'));
    }
    const inner = this.#next(context);
    let subscribed = false;
    return new GuardedObservable<DeliveryOutcome>(this.#report, (subscriber) => {
      if (subscribed) {
        subscriber.next(this.#broken('subscribed the result of next twice'));
        subscriber.complete();
        return undefined;
      }
      subscribed = true;
      return inner.subscribe(subscriber);
    });
  }

  /** A rule broken while the delivery goes on decides its outcome, whatever the interceptor makes of it. */
  #settle(outcome: DeliveryOutcome): DeliveryOutcome {
    this.#settled = true;
    DeliveryPass.hold(this.#context, this.#outer);
    return this.#misuse ?? outcome;
  }

  #failed(error: unknown): DeliveryOutcome {
    if (isRocketMQError(error, 'RMQ_PIPELINE_MISUSE') && this.#misuse !== undefined) return this.#misuse;
    return {
      kind: 'retry',
      error: rocketMQError(
        'RMQ_PLUGIN_FAILED',
        `plugin ${this.#plugin} failed in a delivery: ${error instanceof Error ? error.message : String(error)}`,
        { plugin: this.#plugin },
        { cause: error },
      ),
    };
  }

  #broken(rule: string): DeliveryOutcome {
    const error = rocketMQError('RMQ_PIPELINE_MISUSE', `the delivery interceptor of plugin ${this.#plugin} ${rule}`, {
      interceptor: this.#plugin,
      rule,
    });
    const outcome: DeliveryOutcome = { kind: 'retry', error };
    if (this.#settled) this.#onLateMisuse(error);
    else this.#misuse ??= outcome;
    return outcome;
  }
}

function isOutcome(value: unknown, messages: number): value is DeliveryOutcome {
  if (isMessageOutcome(value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { kind, outcomes } = value as { readonly kind?: unknown; readonly outcomes?: unknown };
  return kind === 'each' && Array.isArray(outcomes) && outcomes.length === messages && outcomes.every(isMessageOutcome);
}

function isMessageOutcome(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, afterMs = 0, delayLevel = 0 } = value as Partial<Record<string, unknown>>;
  return kind === 'ack' || kind === 'deadLetter' || (kind === 'retry' && isCount(afterMs) && isCount(delayLevel));
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY;
}

function errorOf(outcome: DeliveryOutcome): unknown {
  return outcome.kind === 'retry' ? outcome.error : undefined;
}
