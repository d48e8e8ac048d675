import type { Observable } from 'rxjs';
import { heldBy } from '../runtime/held-by.js';
import type { SendContext } from './context.js';
import { Pending } from './pending.js';
import type { PipelineContext } from './pipeline-context.js';
import type { SendResult } from './send-result.js';
import type { SendState } from './send-state.js';

/** The slow path of a stage: goes on with `then` when its work has ended, unless the send ended first. */
class Later<T> extends Pending {
  private readonly waitsFor: () => string | undefined;

  constructor(
    state: SendState,
    node: number,
    work: Promise<T>,
    then: (value: T) => Observable<SendResult>,
    waitsFor: () => string | undefined,
  ) {
    super(state, node);
    this.waitsFor = waitsFor;
    work.then(
      (value) => {
        if (this.waiting) this.#goOn(value, then);
      },
      (error: unknown) => {
        if (this.waiting) this.onError(state.chain.label(error, node));
      },
    );
  }

  override get heldBy(): string | undefined {
    return this.waitsFor();
  }

  #goOn(value: T, then: (value: T) => Observable<SendResult>): void {
    try {
      this.adopt(then(value), this.node);
    } catch (error) {
      this.onError(this.state.chain.label(error, this.node));
    }
  }
}

/**
 * An Observable for work that has begun: ends as what `then` returns ends. For stages, while they run. `waitsFor` says the
 * plugin whose part has not ended its own yet.
 */
export function later<T>(
  context: SendContext,
  work: Promise<T>,
  then: (value: T) => Observable<SendResult>,
  waitsFor: () => string | undefined = () => heldBy(work),
): Observable<SendResult> {
  const { state } = context as PipelineContext;
  return new Later(state, state.position, work, then, waitsFor);
}

/** An Observable of a result that is there. */
export function ended(context: SendContext, result: SendResult): Observable<SendResult> {
  const { state } = context as PipelineContext;
  if (state.standIn?.waiting === true) return state.standIn.standFor(result);
  const pending = new Pending(state, state.position);
  pending.onResult(result);
  return pending;
}

/** An Observable of an error that is there. */
export function failed(context: SendContext, error: unknown): Observable<SendResult> {
  const { state } = context as PipelineContext;
  return state.chain.fail(state, state.position, error);
}
