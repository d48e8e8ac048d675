import type { RocketMQError } from '../errors/rocketmq-error.js';
import { frozenMessage } from '../message/frozen-message.js';
import type { Properties } from '../message/message.js';
import type { UniqueIdGenerator } from '../message/message-ids.js';
import { messagesOf } from '../message/outgoing-batch.js';
import type { Chain } from '../pipeline/chain.js';
import type { EventHub } from '../pipeline/event-hub.js';
import type { StageEvent } from '../pipeline/events.js';
import { composePipeline } from '../pipeline/pipeline.js';
import { PipelineContext } from '../pipeline/pipeline-context.js';
import type { SendResult } from '../pipeline/send-result.js';
import type { SendOutcome } from '../pipeline/settled.js';
import type { Clock } from '../runtime/clock.js';
import type { DeadlineHeap } from '../runtime/deadline-heap.js';
import type { LifeCycle } from '../runtime/life-cycle.js';
import { onAbort } from '../runtime/on-abort.js';
import { watchRejection } from '../runtime/watch-rejection.js';
import { Accumulator, type AccumulatorHost } from './accumulation/accumulator.js';
import type { BatchPart } from './accumulation/batch-part.js';
import { Budget } from './budget.js';
import { InFlight } from './in-flight.js';
import type { AnyMessage, RawMessage, SendOptions } from './producer.js';
import { ProducerSend, type SendObserver, type SendOwner } from './producer-send.js';
import type { ReplyInbox } from './request-reply/reply-inbox.js';
import type { ReplyAttachment } from './request-reply/reply-interceptor.js';
import type { RequestHost } from './request-reply/request.js';
import { positive, type ResolvedProducerOptions } from './resolve-options.js';
import type { BatchHost } from './send-batch.js';
import { SendDeadlines } from './send-deadlines.js';
import { bodySize, encodeTyped, isTyped, sendFailure, targetOf } from './send-input.js';
import { checkSendOptions } from './send-options.js';
import type { ProducerServices } from './services.js';

export type SendMode = 'send' | 'oneway';
type EventListener = ((event: StageEvent) => void) | undefined;

/**
 * The sends of one producer, from the call to the end: makes each one's state, lets it into the chain when there is room, watches
 * its deadline, and tells whoever listens how it ended. Batches, requests and sends that wait for one another begin theirs here.
 */
export class Sends implements SendOwner, BatchHost, AccumulatorHost, RequestHost {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly ids: UniqueIdGenerator;
  readonly deadlines: DeadlineHeap;
  readonly system: Properties | undefined;
  readonly maxMessageSizeBytes: number;
  readonly timeoutMs: number;
  readonly replies: ReplyInbox;
  readonly interceptors: readonly ReplyAttachment[];
  readonly #services: ProducerServices;
  readonly #attemptTimeoutMs: number | undefined;
  readonly #lifeCycle: LifeCycle;
  readonly #budget: Budget;
  readonly #inFlight = new InFlight();
  readonly #sendDeadlines: SendDeadlines;
  /** Undefined unless sends wait for one another. */
  readonly #accumulator: Accumulator | undefined;
  /** A send that was taken before the producer closed is entering the chain. */
  #admitting = false;
  /** When the send that is just beginning began; NaN when that was in an earlier turn. */
  #begunMs = Number.NaN;

  /** @throws RMQ_PLUGIN_CONFLICT, RMQ_PLUGIN_FAILED */
  constructor(options: ResolvedProducerOptions, services: ProducerServices, lifeCycle: LifeCycle, events: EventHub) {
    const { clock, ids, deadlines, names, replies, replyAttachments, internal = false } = services;
    const { maxMessageSizeBytes, timeoutMs, attemptTimeoutMs } = options.pipeline;
    this.clock = clock;
    this.ids = ids;
    this.deadlines = deadlines;
    this.system = names.properties;
    this.maxMessageSizeBytes = maxMessageSizeBytes;
    this.timeoutMs = timeoutMs;
    this.replies = replies;
    this.interceptors = internal ? [] : replyAttachments;
    this.#services = services;
    this.#attemptTimeoutMs = attemptTimeoutMs;
    this.#lifeCycle = lifeCycle;
    this.#budget = new Budget(options.messagesMax, options.bytesMax);
    this.#sendDeadlines = new SendDeadlines(this.#inFlight, deadlines, clock);
    this.chain = this.#compose(options, events, internal);
    const { autoBatch } = options;
    this.#accumulator = autoBatch && new Accumulator(autoBatch, this);
  }

  get fullBy(): 'count' | 'bytes' {
    return this.#budget.fullBy;
  }

  requireRunning(): void {
    this.#lifeCycle.requireRunning();
  }

  /** Begins a send; whatever is wrong with it is told to the observer. */
  begin(
    mode: SendMode,
    message: AnyMessage,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener?: EventListener,
  ): { cancel(): void } {
    const startMs = this.clock.monotonic();
    this.#begunMs = startMs;
    try {
      if (!isTyped(message)) return this.#take(mode, message as RawMessage, options, observer, listener, startMs);
      this.requireRunning();
      const encoded = encodeTyped(message);
      if (!(encoded instanceof Promise)) return this.#take(mode, encoded, options, observer, listener, startMs);
      return this.#takeLater(mode, encoded, options, observer, listener, startMs);
    } catch (error) {
      observer.onError(sendFailure(error));
      return NOTHING;
    }
  }

  launchPart(part: BatchPart, options: SendOptions, startMs: number, observer: SendObserver): ProducerSend {
    return this.#start('send', part.message, options, observer, undefined, startMs, part);
  }

  launch(message: RawMessage, options: SendOptions, startMs: number, observer: SendObserver): ProducerSend {
    this.#begunMs = Number.NaN;
    return this.#start('send', message, options, observer, undefined, startMs, undefined);
  }

  timeoutMsOf(options: { readonly timeoutMs?: number } | undefined): number {
    const given = options?.timeoutMs;
    return given === undefined ? this.timeoutMs : positive('timeoutMs', given);
  }

  hold(holder?: { cancel(): void }): void {
    this.#inFlight.hold(holder);
  }

  release(holder?: { cancel(): void }): void {
    this.#inFlight.release(holder);
  }

  enter(send: ProducerSend): void {
    this.#admitting = true;
    try {
      this.#enterChain(send);
    } finally {
      this.#admitting = false;
    }
  }

  ended(send: ProducerSend, result: SendResult | undefined, error: RocketMQError | undefined): void {
    this.#sendDeadlines.remove(send);
    this.#inFlight.remove(send);
    if (result !== undefined) send.observer.onResult(result);
    else send.observer.onError(error as RocketMQError, send.sent);
    const { settledListeners } = this.#services;
    if (settledListeners.length > 0 && this.#services.internal !== true) this.#tellSettled(send, result, error);
    if (send.admitted) this.#budget.release(send.sizeBytes);
    else this.#budget.wake();
  }

  /** Sends what still waits for others, and resolves when nothing is in flight; what is late then is cancelled. */
  async drain({ timeoutMs, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void> {
    this.#accumulator?.flushAll();
    const cancelAll = () => this.#inFlight.cancelAll();
    if (signal?.aborted) cancelAll();
    const stopListening = onAbort(signal, cancelAll);
    const timer = timeoutMs === undefined ? undefined : this.clock.setTimer(timeoutMs, cancelAll, { ref: true });
    await this.#inFlight.drained();
    timer?.cancel();
    stopListening();
  }

  #compose({ pipeline }: ResolvedProducerOptions, events: EventHub, internal: boolean): Chain {
    const { routes, clock, logger, attachments, openScope, boundBy, random = Math.random } = this.#services;
    const facts = { group: pipeline.group, internal };
    const requireRunning = () => {
      if (!this.#admitting) this.requireRunning();
    };
    return composePipeline({
      producer: facts,
      resolve: openScope({ facts, options: pipeline, requireRunning, random }),
      boundBy,
      attachments: internal ? [] : attachments,
      ...{ routes, clock, logger, events },
    });
  }

  #take(
    mode: SendMode,
    message: RawMessage,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener: EventListener,
    startMs: number,
  ): { cancel(): void } {
    checkSendOptions(options);
    const alone = listener !== undefined || options?.slots !== undefined;
    if (this.#accumulator !== undefined && mode === 'send' && !alone) {
      const held = this.#accumulator.take({
        message,
        target: targetOf(message, options),
        startMs,
        timeoutMs: this.timeoutMsOf(options),
        attemptTimeoutMs: this.#attemptTimeoutMsOf(options),
        signal: options?.signal,
        observer,
      });
      if (held !== undefined) return held;
    }
    return this.#start(mode, message, options, observer, listener, startMs, undefined);
  }

  /** A codec that takes its time: the deadline has begun, the rest begins when the body is there. */
  #takeLater(
    mode: SendMode,
    encoded: Promise<RawMessage>,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener: EventListener,
    startMs: number,
  ): { cancel(): void } {
    let send: { cancel(): void } | undefined;
    let cancelled = false;
    encoded.then(
      (message) => {
        try {
          this.#begunMs = Number.NaN;
          send = this.#take(mode, message, options, observer, listener, startMs);
          if (cancelled) send.cancel();
        } catch (error) {
          observer.onError(sendFailure(error));
        }
      },
      (error: unknown) => observer.onError(sendFailure(error)),
    );
    return {
      cancel: () => {
        cancelled = true;
        send?.cancel();
      },
    };
  }

  #start(
    mode: SendMode,
    message: RawMessage,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener: EventListener,
    startMs: number,
    part: BatchPart | undefined,
  ): ProducerSend {
    const timeoutMs = this.timeoutMsOf(options);
    const now = this.clock.now();
    const send = new ProducerSend(
      this.chain,
      mode,
      part === undefined ? this.ids.next(now) : part.msgIds.join(','),
      this,
      message,
      bodySize(message),
      observer,
      options?.signal,
    );
    send.startTimestamp = now;
    send.timeoutMs = timeoutMs;
    send.deadlineMs = startMs + timeoutMs;
    send.attemptTimeoutMs = this.#attemptTimeoutMsOf(options);
    send.target = targetOf(message, options);
    send.listener = listener;
    if (options?.slots !== undefined) for (const { key, value } of options.slots) send.setSlot(key, value);
    send.batch = part?.batch;
    send.encodeBatch = part?.encode;
    this.#inFlight.add(send);
    this.#sendDeadlines.add(send);
    this.#admit(send, part !== undefined);
    return send;
  }

  #attemptTimeoutMsOf(options: SendOptions | undefined): number | undefined {
    const given = options?.attemptTimeoutMs;
    return given === undefined ? this.#attemptTimeoutMs : positive('attemptTimeoutMs', given);
  }

  /** A part belongs to what was taken before: it goes in whatever became of the producer since, and began earlier. */
  #admit(send: ProducerSend, isPart: boolean): void {
    const { abortSignal } = send;
    if (abortSignal !== undefined) {
      if (abortSignal.aborted) {
        send.cancel();
        return;
      }
      abortSignal.addEventListener('abort', send);
    }
    // A codec may have taken all the time there was.
    if (!isPart && Number.isNaN(this.#begunMs) && this.clock.monotonic() >= send.deadlineMs) {
      send.tooLate();
      return;
    }
    // A producer that does not run holds nothing back: stage 1 refuses.
    const running = isPart || this.#lifeCycle.state === 'running';
    if (running && !this.#budget.admit(send)) return;
    if (isPart) {
      send.onAdmitted();
      return;
    }
    send.admitted = running;
    send.freshMs = this.#begunMs;
    this.#enterChain(send);
    send.freshMs = Number.NaN;
  }

  #enterChain(send: ProducerSend): void {
    let { message } = send;
    if (send.batch !== undefined && this.chain.shown) {
      message = frozenMessage(message);
      send.batch = messagesOf(message);
    }
    const context = new PipelineContext(send, message, undefined, 0, undefined, undefined, undefined);
    this.chain.own(this.chain.handler(context), send, 0).deliverTo(send);
  }

  #tellSettled(send: ProducerSend, result: SendResult | undefined, error: RocketMQError | undefined): void {
    const outcome: SendOutcome =
      result !== undefined ? { kind: 'result', result } : { kind: 'failure', error: error as RocketMQError };
    for (const { plugin, listener } of this.#services.settledListeners) {
      const failed = (thrown: unknown): void =>
        this.#services.logger.error('A plugin threw when it was told how a send ended', { plugin, error: thrown });
      try {
        watchRejection(listener(send, send.topic, outcome), failed);
      } catch (thrown) {
        failed(thrown);
      }
    }
  }
}

const NOTHING = { cancel: () => {} };
