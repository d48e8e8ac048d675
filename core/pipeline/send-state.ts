import { isRocketMQError, type RocketMQError, rocketMQError, saySent } from '../errors/rocketmq-error.js';
import { frozenMessage } from '../message/frozen-message.js';
import type { MessageQueue, OutgoingMessage } from '../message/message.js';
import type { DeadlineEntry } from '../runtime/deadline-entry.js';
import type { Chain } from './chain.js';
import type { AttemptOutcome, Payload, SendFacts, SendTarget, StateKey } from './context.js';
import type { StageEvent } from './events.js';
import type { OutcomeSink, Pending } from './pending.js';
import type { SendResult } from './send-result.js';

/** The stage a send sits in, or the plugin that holds it. */
export interface Whereabouts {
  readonly stage?: string;
  readonly plugin?: string;
}

/** How often an interceptor that answers an interruption by waiting again is interrupted before it is left alone. */
const INTERRUPTIONS_MAX = 64;

/**
 * The one object that a send has from beginning to end. All its contexts share it; it has its deadline,
 * and it is what the composed chain's Observable delivers to. Its facade sets its start, deadline and target before it begins.
 */
export abstract class SendState implements SendFacts, DeadlineEntry, OutcomeSink {
  declare readonly chain: Chain;
  declare readonly mode: 'send' | 'oneway';
  /** As the caller named it; an interceptor may send to another. */
  declare readonly topic: string;
  declare readonly msgId: string;
  /** The caller's own. */
  declare readonly message: OutgoingMessage;
  declare startTimestamp: number;
  declare timeoutMs: number;
  declare deadlineMs: number;
  declare attemptTimeoutMs: number | undefined;
  declare target: SendTarget | undefined;
  declare batch: readonly OutgoingMessage[] | undefined;
  /** Makes a batch of its messages in another form; set with `batch`. */
  declare encodeBatch: ((messages: readonly OutgoingMessage[]) => OutgoingMessage) | undefined;
  declare heapIndex: number;
  /** Index of the deepest node that was entered; -1 before the first. */
  declare position: number;
  /** Number of the latest attempt; 0 before the first. */
  declare attempt: number;
  /** The latest Observable of the chain's own. */
  declare newest: Pending | undefined;
  /** What the latest attempt's first node returned. */
  declare attemptPending: Pending | undefined;
  /** While the last stage runs: what waits for it, where no interceptor is in between and sees what it returns. */
  declare standIn: Pending | undefined;
  /** The latest attempt's outcome and where it was sent. */
  declare outcome: AttemptOutcome | undefined;
  declare outcomeQueue: MessageQueue | undefined;
  /** Whether bytes of an attempt that is over may have reached a broker. */
  declare maybeSent: boolean;
  /** The encoded body and the body it was made from. */
  declare payload: Payload | undefined;
  declare payloadSource: Uint8Array | string | undefined;
  /**
   * The monotonic time at which the send began, while it still is that time: as long as it runs in one go and nothing slow
   * was done. NaN afterwards. Reading the clock is one of the dearer things on the fast path.
   */
  declare freshMs: number;
  /** Told of this send's own events. */
  declare listener: ((event: StageEvent) => void) | undefined;
  declare private ended: boolean;
  /** The error that the send ends with, whatever its interceptors make of it. */
  declare private doom: RocketMQError | undefined;
  /** Where it sat when its deadline passed while a broker had the request. */
  declare private expired: Whereabouts | undefined;
  declare private slots: Map<StateKey<unknown>, unknown> | undefined;
  declare private abort: AbortController | undefined;
  declare private shownMessage: OutgoingMessage | undefined;

  constructor(chain: Chain, mode: 'send' | 'oneway', topic: string, msgId: string) {
    this.chain = chain;
    this.mode = mode;
    this.topic = topic;
    this.msgId = msgId;
    this.startTimestamp = 0;
    this.timeoutMs = 0;
    this.deadlineMs = 0;
    this.attemptTimeoutMs = undefined;
    this.target = undefined;
    this.batch = undefined;
    this.encodeBatch = undefined;
    this.heapIndex = -1;
    this.position = -1;
    this.attempt = 0;
    this.newest = undefined;
    this.attemptPending = undefined;
    this.standIn = undefined;
    this.outcome = undefined;
    this.outcomeQueue = undefined;
    this.maybeSent = false;
    this.payload = undefined;
    this.payloadSource = undefined;
    this.freshMs = Number.NaN;
    this.listener = undefined;
    this.ended = false;
    this.doom = undefined;
    this.expired = undefined;
    this.slots = undefined;
    this.abort = undefined;
    this.shownMessage = undefined;
  }

  /** Called once when the send has ended. */
  protected abstract end(result: SendResult | undefined, error: RocketMQError | undefined): void;

  get producerGroup(): string {
    return this.chain.group;
  }

  /** Ended, or about to end with an error that nothing can change. */
  get over(): boolean {
    return this.ended || this.doom !== undefined;
  }

  get sent(): 'no' | 'maybe' {
    if (this.maybeSent) return 'maybe';
    for (let pending = this.newest; pending !== undefined; pending = pending.older) {
      if (!pending.ended && pending.sent === 'maybe') return 'maybe';
    }
    return 'no';
  }

  get signal(): AbortSignal {
    if (this.abort === undefined) {
      this.abort = new AbortController();
      if (this.doom !== undefined) this.abort.abort(this.doom);
    }
    return this.abort.signal;
  }

  /** Monotonic time, read only where it may have moved. */
  nowMs(): number {
    return Number.isNaN(this.freshMs) ? this.chain.clock.monotonic() : this.freshMs;
  }

  /** A message as interceptors see it: of the caller's own a copy that they cannot change. */
  shown(message: OutgoingMessage): OutgoingMessage {
    if (!this.chain.shown || message !== this.message) return message;
    this.shownMessage ??= frozenMessage(message);
    return this.shownMessage;
  }

  slot<T>(key: StateKey<T>): T | undefined {
    return this.slots?.get(key) as T | undefined;
  }

  setSlot<T>(key: StateKey<T>, value: T): void {
    this.slots ??= new Map();
    this.slots.set(key, value);
  }

  onResult(result: SendResult): void {
    if (this.ended) return;
    const error = this.doom ?? (this.expired && this.timedOut(this.expired));
    this.finish(error === undefined ? result : undefined, error);
  }

  onError(error: unknown): void {
    if (this.ended) return;
    if (this.doom !== undefined) this.finish(undefined, this.doom);
    else if (this.expired === undefined || isRocketMQError(error, 'RMQ_SEND_TIMEOUT')) this.finish(undefined, error);
    else this.finish(undefined, this.timedOut(this.expired, error));
  }

  onDeadline(): void {
    if (this.over) return;
    const waiting = this.innermost();
    const plugin = waiting?.heldBy;
    const where =
      plugin === undefined ? this.chain.whereabouts(waiting === undefined ? this.position : waiting.node) : { plugin };
    this.expired = where;
    // A request that is with a broker is that broker's failed attempt: stage 6 hears of it before the send ends.
    if (waiting?.timeOut() === true && this.ended) return;
    this.breakOff(this.timedOut(where));
  }

  /** Cancelled by the caller. */
  cancel(): void {
    if (!this.over) this.breakOff(this.aborted());
  }

  /**
   * Breaks the send off because an interceptor broke the contract, or only logs it when the send is over.
   * Returns the error either way.
   */
  misuse(node: number, rule: string): RocketMQError {
    const error = this.chain.misuseError(node, rule);
    if (this.over) {
      const facts = { topic: this.topic, msgId: this.msgId, error };
      this.chain.logger.warn('An interceptor broke the pipeline contract after its send had ended', facts);
    } else {
      this.breakOff(error);
    }
    return error;
  }

  /** The error of a send that is cancelled now. */
  aborted(): RocketMQError {
    const sent = this.sent;
    const message = `The send to topic ${this.topic} was cancelled; ${SENT_WORDS[sent]}`;
    return this.chain.keep(rocketMQError('RMQ_SEND_ABORTED', message, { topic: this.topic, sent, msgId: this.msgId }));
  }

  /** The error of a send whose deadline has passed. */
  timedOut(where: Whereabouts, cause?: unknown): RocketMQError {
    const sent = this.sent;
    const place = where.plugin === undefined ? `stage ${where.stage}` : `plugin ${where.plugin}`;
    const message = `The send to topic ${this.topic} did not end within ${this.timeoutMs} ms: it sat in ${place}; ${SENT_WORDS[sent]}`;
    const fields = { topic: this.topic, timeoutMs: this.timeoutMs, ...where, sent, msgId: this.msgId };
    return this.chain.keep(rocketMQError('RMQ_SEND_TIMEOUT', message, fields, { cause }));
  }

  /** The pending Observable that the others wait for: the one of the deepest node. */
  private innermost(): Pending | undefined {
    let found: Pending | undefined;
    for (let pending = this.newest; pending !== undefined; pending = pending.older) {
      if (pending.waiting && (found === undefined || pending.node > found.node)) found = pending;
    }
    return found;
  }

  /** Ends the send with `error`, having told everything that waits inside it. */
  protected breakOff(error: RocketMQError): void {
    this.doom = error;
    this.abort?.abort(error);
    for (let turn = 0; turn < INTERRUPTIONS_MAX && !this.ended; turn++) {
      const waiting = this.innermost();
      if (waiting === undefined) break;
      waiting.interrupt(error);
    }
    if (!this.ended) this.finish(undefined, error);
  }

  private finish(result: SendResult | undefined, error: unknown): void {
    this.ended = true;
    this.dropLeftovers();
    const failure = result === undefined ? saySent(this.chain.label(error, 0), this.sent) : undefined;
    this.chain.tellEnd(this, result, failure);
    this.end(result, failure);
  }

  /** An interceptor that answered by itself may have left the rest of the chain running. */
  private dropLeftovers(): void {
    for (let pending = this.newest; pending !== undefined; pending = pending.older) {
      if (!pending.ended) pending.drop(this.doom ?? this.aborted());
    }
  }
}

const SENT_WORDS = { no: 'nothing was sent', maybe: 'the message may be stored' } as const;
