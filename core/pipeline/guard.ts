import type { Observable, Subscription } from 'rxjs';
import { guardedSubscriber } from '../runtime/guarded-subscriber.js';
import { Pending } from './pending.js';
import { isSendResult, RESULT_RULE, type SendResult } from './send-result.js';
import type { SendState } from './send-state.js';

/**
 * Stands for an Observable that an interceptor made: subscribes to it at once, so that the pass is eager on every path,
 * and holds it to the contract: one result or one error.
 */
export class Guard extends Pending {
  #subscription: Subscription | undefined;
  #result: SendResult | undefined;

  constructor(state: SendState, node: number, source: Observable<SendResult>) {
    super(state, node);
    const observer = {
      next: (result: SendResult) => this.#next(result),
      error: (error: unknown) => this.#fail(error),
      complete: () => this.#complete(),
    };
    const complain = (thrown: unknown): void => state.chain.complain(node, thrown);
    const subscription = source.subscribe(guardedSubscriber([observer], complain, complain));
    if (this.waiting) this.#subscription = subscription;
    else subscription.unsubscribe();
  }

  protected override abandon(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  #next(result: SendResult): void {
    if (!this.waiting) return;
    if (this.#result !== undefined) this.#misuse('it ends in one result, not two');
    else if (!isSendResult(result)) this.#misuse(RESULT_RULE);
    else this.#result = result;
  }

  #complete(): void {
    if (!this.waiting) return;
    if (this.#result === undefined) this.#misuse('it ends in one result or one error, not without');
    else this.onResult(this.#result);
  }

  #fail(error: unknown): void {
    if (this.waiting) this.onError(this.state.chain.label(error, this.node));
  }

  #misuse(rule: string): void {
    const error = this.state.misuse(this.node, rule);
    if (this.waiting) this.interrupt(error);
  }
}
