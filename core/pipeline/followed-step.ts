import { from, mergeMap, type Observable } from 'rxjs';
import { isPending, type PassStep, Pending } from './pending.js';
import { isSendResult, RESULT_RULE, type SendResult } from './send-result.js';
import type { SendState } from './send-state.js';

/** What follows a result, and what the send ends with. */
export type FollowingWork<R extends SendResult> = (result: SendResult) => Promise<R>;

/**
 * Asynchronous work behind the rest of the chain, and its result in place of the rest's: what `mergeMap` does, without an
 * operator. An error of the rest passes. While the work goes on the send can time out or be cancelled, under the plugin's name;
 * the work is not stopped by that, and what it ends with is ignored then.
 * @example
 * (context, next) => followed(next(context), async (result) => {
 *   await audit(result.msgId);
 *   return result;
 * })
 */
export function followed<R extends SendResult>(
  rest: Observable<SendResult>,
  work: FollowingWork<R>,
): Observable<SendResult> {
  if (!isPending(rest) || rest.taken) return rest.pipe(mergeMap((result) => from(work(result))));
  rest.addStep(new FollowedStep(rest, work));
  return rest;
}

class FollowedStep<R extends SendResult> implements PassStep {
  owner = -1;
  next: PassStep | undefined = undefined;
  readonly #rest: Pending;
  readonly #work: FollowingWork<R>;
  #begun = false;

  constructor(rest: Pending, work: FollowingWork<R>) {
    this.#rest = rest;
    this.#work = work;
  }

  /** It looks at its own result too. */
  onResult(result: SendResult): Observable<SendResult> | undefined {
    if (this.#begun) return undefined;
    this.#begun = true;
    return new Following(this.#rest.state, this.#rest.ownerOf(this), this.#work(result));
  }

  onError(): undefined {}
}

/** Waits for the work. */
class Following extends Pending {
  constructor(state: SendState, node: number, work: Promise<SendResult>) {
    super(state, node);
    work.then(
      (result) => {
        if (!this.waiting) return;
        if (isSendResult(result)) this.onResult(result);
        else this.interrupt(state.misuse(node, RESULT_RULE));
      },
      (error: unknown) => {
        if (this.waiting) this.onError(state.chain.label(error, node));
      },
    );
  }
}
