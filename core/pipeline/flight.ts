import { isRocketMQError, type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingCommand, RemotingCommand } from '../remoting/protocol/remoting-command.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { PendingRequest, RemotingClient, RequestObserver } from '../remoting/remoting-client.js';
import type { Clock } from '../runtime/clock.js';
import type { AttemptOutcome, SettledContext } from './context.js';
import type { SendHandler } from './interceptor.js';
import { Pending } from './pending.js';
import type { PipelineContext } from './pipeline-context.js';
import { brokerError, handedOver, sendResultOf, sendStatusOf } from './send-response.js';
import type { SendResult } from './send-result.js';

/** Failures after which another broker may do better. */
const RETRYABLE_FAILURES: ReadonlySet<string> = new Set([
  'RMQ_CONNECT_FAILED',
  'RMQ_CONNECTION_LOST',
  'RMQ_REQUEST_TIMEOUT',
  'RMQ_FRAME_INVALID',
  'RMQ_BROKER_NOT_FOUND',
  'RMQ_NAME_SERVER_UNREACHABLE',
]);

/** A result whose time is taken when somebody asks: reading the clock costs as much as a stage. */
class TimedOnDemand {
  declare readonly kind: 'result';
  declare readonly result: SendResult;
  declare private readonly startMs: number;
  declare private readonly clock: Clock;

  constructor(result: SendResult, startMs: number, clock: Clock) {
    this.kind = 'result';
    this.result = result;
    this.startMs = startMs;
    this.clock = clock;
  }

  get elapsedMs(): number {
    return this.clock.monotonic() - this.startMs;
  }
}

/** One request with one broker: turns whatever happens to it into the attempt's outcome, and hands that on. */
export class Flight extends Pending implements RequestObserver {
  declare private readonly context: PipelineContext;
  declare private readonly next: SendHandler<SettledContext>;
  declare private readonly address: string;
  declare private readonly clock: Clock;
  declare private readonly retryResponseCodes: ReadonlySet<number>;
  /** Monotonic. */
  declare readonly startMs: number;
  declare private timeoutMs: number;
  declare private request: PendingRequest | undefined;

  constructor(
    context: PipelineContext,
    next: SendHandler<SettledContext>,
    address: string,
    clock: Clock,
    retryResponseCodes: ReadonlySet<number>,
  ) {
    super(context.state, context.state.position);
    this.context = context;
    this.next = next;
    this.address = address;
    this.clock = clock;
    this.retryResponseCodes = retryResponseCodes;
    this.startMs = context.state.nowMs();
    this.timeoutMs = 0;
    this.request = undefined;
  }

  start(remoting: RemotingClient, request: OutgoingCommand, timeoutMs: number): this {
    this.timeoutMs = timeoutMs;
    try {
      const oneway = this.context.state.mode === 'oneway';
      this.request = remoting.start(this.address, request, { timeoutMs, oneway, nowMs: this.startMs }, this);
    } catch (error) {
      this.failBeforeStart(error);
    }
    return this;
  }

  /** Nothing left this process. */
  failBeforeStart(error: unknown): this {
    this.fail(this.context.state.chain.label(error, this.node));
    return this;
  }

  onResponse(response: RemotingCommand | undefined): void {
    this.request = undefined;
    let outcome: AttemptOutcome;
    try {
      outcome = this.outcomeOf(response);
    } catch (error) {
      // The broker answered with something that cannot be read: the message may be stored.
      this.state.maybeSent = true;
      this.fail(this.state.chain.label(error, this.node));
      return;
    }
    this.settle(outcome);
  }

  onFailure(error: RocketMQError): void {
    this.request = undefined;
    if ((error as { sent?: unknown }).sent === 'maybe') this.state.maybeSent = true;
    this.fail(error);
  }

  override get sent(): 'no' | 'maybe' {
    return this.request?.sent ?? 'no';
  }

  override get heldBy(): string | undefined {
    return this.request?.heldBy;
  }

  override timeOut(): boolean {
    const request = this.request;
    if (request === undefined || this.heldBy !== undefined) return false;
    this.request = undefined;
    const address = this.address;
    const timeoutMs = this.timeoutMs;
    const sent = request.cancel();
    if (sent === 'maybe') this.state.maybeSent = true;
    const message = `${address} did not answer within ${Math.round(timeoutMs)} ms`;
    this.fail(rocketMQError('RMQ_REQUEST_TIMEOUT', message, { address, timeoutMs, sent }));
    return true;
  }

  protected override abandon(): void {
    const request = this.request;
    this.request = undefined;
    if (request?.cancel() === 'maybe') this.state.maybeSent = true;
  }

  private outcomeOf(response: RemotingCommand | undefined): AttemptOutcome {
    const { msgId } = this.state;
    const { queue, attempt } = this.context;
    if (response === undefined) {
      this.state.maybeSent = true;
      return this.succeeded(handedOver(msgId, queue));
    }
    const status = sendStatusOf(response.code);
    if (status !== undefined) {
      this.state.maybeSent = true;
      return this.succeeded(sendResultOf(response, status, msgId, queue, attempt));
    }
    // A system error says nothing of whether the message was stored; the other codes refuse it.
    if (response.code === ResponseCode.SYSTEM_ERROR) this.state.maybeSent = true;
    const retryable = this.retryResponseCodes.has(response.code);
    const error = brokerError(response, queue.brokerName, this.address, retryable);
    return { kind: 'failure', error, retryable, elapsedMs: this.elapsedMs };
  }

  private fail(error: RocketMQError): void {
    const retryable = RETRYABLE_FAILURES.has(error.code) && !isHeld(error);
    this.settle({ kind: 'failure', error, retryable, elapsedMs: this.elapsedMs });
  }

  private get elapsedMs(): number {
    return this.clock.monotonic() - this.startMs;
  }

  /** Interceptors may look at the time whenever they like; where there are none, only the last stage may, and at once. */
  private succeeded(result: SendResult): AttemptOutcome {
    if (this.state.chain.unseen.settled) return new TimedOnDemand(result, this.startMs, this.clock);
    return { kind: 'result', result, elapsedMs: this.elapsedMs };
  }

  private settle(outcome: AttemptOutcome): void {
    if (!this.waiting) return;
    const { state } = this;
    const context = this.context.settled(outcome);
    // With nobody in between, the last stage needs no Observable of its own to answer this one.
    if (state.chain.unseen.settled) state.standIn = this;
    const rest = this.next(context);
    state.standIn = undefined;
    if (rest === this) this.onResult(this.result!);
    else this.adopt(rest, this.node);
  }
}

/** Whether a plugin had the request, or the answer to it, until its time was over: another broker would do no better. */
export function isHeld(error: RocketMQError): boolean {
  return isRocketMQError(error, 'RMQ_REQUEST_TIMEOUT') && error.plugin !== undefined;
}
