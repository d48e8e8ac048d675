import { type Observable, tap } from 'rxjs';
import { isPending, type PassStep } from './pending.js';
import type { SendResult } from './send-result.js';

/** What to do when a pass has ended. */
export interface SettledCallbacks {
  readonly value?: (result: SendResult) => void;
  readonly error?: (error: unknown) => void;
}

/**
 * The cheap "after" for interceptors: calls back when the rest of the chain has ended, and costs no operator. In an
 * attempt's gap (after `select`) it fires for each attempt, elsewhere once per send. What a callback throws fails the send
 * under the plugin's name.
 * @example (context, next) => settled(next(context), { value: (result) => count(result.status) })
 */
export function settled(rest: Observable<SendResult>, callbacks: SettledCallbacks): Observable<SendResult> {
  if (!isPending(rest) || rest.taken) {
    return rest.pipe(tap({ next: (result) => callbacks.value?.(result), error: (error) => callbacks.error?.(error) }));
  }
  rest.addStep(new SettledStep(callbacks));
  return rest;
}

class SettledStep implements PassStep {
  owner = -1;
  next: PassStep | undefined = undefined;
  readonly #callbacks: SettledCallbacks;

  constructor(callbacks: SettledCallbacks) {
    this.#callbacks = callbacks;
  }

  onResult(result: SendResult): undefined {
    this.#callbacks.value?.(result);
  }

  onError(error: unknown): undefined {
    this.#callbacks.error?.(error);
  }
}
