import type { Observable } from 'rxjs';
import { type FailedAttempt, isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { Clock, Timer } from '../runtime/clock.js';
import type { AttemptContext } from './context.js';
import type { SendHandler } from './interceptor.js';
import { ended } from './later.js';
import type { PipelineOptions } from './options.js';
import { type PassStep, Pending } from './pending.js';
import type { PipelineContext } from './pipeline-context.js';
import type { SendResult } from './send-result.js';
import type { SendState } from './send-state.js';
import type { SelectInput } from './stage.js';

/** Where the loop gets its rules and its next attempt from. */
export interface RetrySource {
  readonly options: PipelineOptions;
  readonly clock: Clock;
  readonly random: () => number;
  attemptAgain(context: SelectInput, next: SendHandler<AttemptContext>, failedBroker: string): Observable<SendResult>;
}

/**
 * After a busy broker there is a pause before the next attempt, though it goes to another one where there is one: twice this
 * after the first, doubled each time, half of it by chance, so that many clients do not come back at one moment.
 */
const BUSY_PAUSE_MS = 20;

/**
 * The retry loop of one send: looks at how each attempt ended and begins another one where that can help. Only failures
 * that come from stage 5 count; whatever a plugin raised passes.
 */
export class RetryLoop implements PassStep {
  declare owner: number;
  declare next: PassStep | undefined;
  declare private readonly source: RetrySource;
  declare private readonly context: PipelineContext;
  declare private readonly rest: SendHandler<AttemptContext>;
  declare private readonly retries: number;
  declare private attempts: FailedAttempt[] | undefined;
  /** What a broker stored without flushing or replicating it in time. */
  declare private stored: SendResult | undefined;

  constructor(source: RetrySource, context: SelectInput, rest: SendHandler<AttemptContext>, retries: number) {
    this.source = source;
    this.context = context as PipelineContext;
    this.rest = rest;
    this.retries = retries;
    this.attempts = undefined;
    this.stored = undefined;
    this.owner = this.context.state.position;
    this.next = undefined;
  }

  onResult(): undefined {}

  onError(error: unknown): Observable<SendResult> | undefined {
    const { state } = this.context;
    const failure = this.brokersFailure(error);
    if (failure === undefined || state.over) return undefined;
    const queue = state.outcomeQueue!;
    this.attempts ??= [];
    const attempts = this.attempts;
    attempts.push({ attempt: state.attempt, broker: queue.brokerName, queueId: queue.queueId, error });
    state.chain.tellAttemptFailed(state, error);
    state.position = this.owner;
    if (!failure.retryable) {
      if (attempts.length > 1) throw this.allFailed(attempts, false);
      return undefined;
    }
    if (state.deadlineMs <= this.source.clock.monotonic()) {
      if (this.stored !== undefined) return ended(this.context, this.stored);
      throw state.timedOut({ stage: 'send' }, error);
    }
    if (attempts.length > this.retries) {
      if (this.stored !== undefined) return ended(this.context, this.stored);
      throw this.allFailed(attempts, true);
    }
    if (!isBusy(error)) return this.again(queue.brokerName);
    const longestMs = BUSY_PAUSE_MS * 2 ** attempts.length;
    const leftMs = state.deadlineMs - this.source.clock.monotonic();
    const pauseMs = Math.min(longestMs * (0.5 + this.source.random() / 2), leftMs / 2);
    return new Pause(state, this.owner, this.source.clock, pauseMs, () => this.again(queue.brokerName));
  }

  /** The failure of the latest attempt, if this error is it; undefined for what plugins raise. */
  private brokersFailure(error: unknown): { readonly retryable: boolean } | undefined {
    const { outcome } = this.context.state;
    if (outcome?.kind === 'failure') return outcome.error === error ? outcome : undefined;
    if (outcome === undefined || !isRocketMQError(error, 'RMQ_NOT_STORED')) return undefined;
    const retryable = this.source.options.notStored === 'retry';
    if (retryable) this.stored = outcome.result;
    return { retryable };
  }

  private again(failedBroker: string): Observable<SendResult> {
    return this.source.attemptAgain(this.context, this.rest, failedBroker);
  }

  private allFailed(attempts: readonly FailedAttempt[], retryable: boolean): Error {
    const { state, topic } = this.context;
    const brokers = attempts.map((attempt) => attempt.broker).join(', ');
    const last = attempts.at(-1)?.error;
    const words = last instanceof Error ? last.message : String(last);
    const many = attempts.length === 1 ? 'The only attempt' : `All ${attempts.length} attempts`;
    const message = `${many} to send to topic ${topic} failed (brokers: ${brokers}): ${words}`;
    const fields = { topic, attempts, sent: state.sent, msgId: state.msgId };
    return rocketMQError('RMQ_SEND_FAILED', message, fields, { cause: last, retryable });
  }
}

/**
 * Whether a broker says that it has too much to do. 4.9 has codes for some of that only: of its system errors the remark
 * tells, such as `[PC_SYNCHRONIZED]broker busy, start flow control for a while`.
 */
function isBusy(error: unknown): boolean {
  if (!isRocketMQError(error, 'RMQ_BROKER_ERROR')) return false;
  const { responseCode, remark = '' } = error;
  if (responseCode === ResponseCode.SYSTEM_ERROR) return /\bbusy\b|\bflow control\b/i.test(remark);
  return responseCode === ResponseCode.SYSTEM_BUSY || responseCode === ResponseCode.FLOW_CONTROL;
}

/** Waits a little before it goes on. */
class Pause extends Pending {
  readonly #timer: Timer;

  constructor(state: SendState, node: number, clock: Clock, delayMs: number, then: () => Observable<SendResult>) {
    super(state, node);
    this.#timer = clock.setTimer(delayMs, () => this.adopt(then(), node), { ref: true });
  }

  protected override abandon(): void {
    this.#timer.cancel();
  }
}
