import { type Observable, tap } from 'rxjs';
import { watchRejection } from '../runtime/watch-rejection.js';
import { isPending, type PassStep, type Pending } from './pending.js';
import type { SendResult } from './send-result.js';

/** What to do when a pass has ended. */
export interface SettledCallbacks {
  readonly value?: (result: SendResult) => void;
  readonly error?: (error: unknown) => void;
}

/**
 * The cheap "after" for interceptors: calls back when the rest of the chain has ended, and costs no operator. In an
 * attempt's gap (after `select`) it fires for each attempt, elsewhere once per send. What a callback throws fails the send
 * under the plugin's name; what an asynchronous one rejects with comes too late for that, and is logged under it.
 * @example (context, next) => settled(next(context), { value: (result) => count(result.status) })
 */
export function settled(rest: Observable<SendResult>, callbacks: SettledCallbacks): Observable<SendResult> {
  if (isPending(rest) && !rest.taken) {
    rest.addStep(new SettledStep(callbacks, rest));
    return rest;
  }
  const pending = pendingBehind(rest);
  const failed = (error: unknown): void => pending?.state.chain.complain(pending.holder - 1, error);
  return rest.pipe(
    tap({
      next: (result) => watchRejection(callbacks.value?.(result), failed),
      error: (error) => watchRejection(callbacks.error?.(error), failed),
    }),
  );
}

/** What `next` returned, below the operators that were put around it. */
function pendingBehind(rest: Observable<SendResult>): Pending | undefined {
  let source: Observable<unknown> | undefined = rest;
  while (source !== undefined && !isPending(source)) source = source.source;
  return source;
}

class SettledStep implements PassStep {
  owner = -1;
  next: PassStep | undefined = undefined;
  readonly #callbacks: SettledCallbacks;
  readonly #rest: Pending;

  constructor(callbacks: SettledCallbacks, rest: Pending) {
    this.#callbacks = callbacks;
    this.#rest = rest;
  }

  onResult(result: SendResult): undefined {
    this.#watch(this.#callbacks.value?.(result));
  }

  onError(error: unknown): undefined {
    this.#watch(this.#callbacks.error?.(error));
  }

  #watch(returned: unknown): void {
    if (returned === undefined) return;
    const { state } = this.#rest;
    // Asked now: others hold what is left of the send when it rejects.
    const owner = this.#rest.ownerOf(this);
    watchRejection(returned, (error) => state.chain.complain(owner, error));
  }
}
