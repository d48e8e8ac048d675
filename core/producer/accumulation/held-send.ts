import { type RocketMQError, type RocketMQErrorOf, rocketMQError } from '../../errors/rocketmq-error.js';
import type { BatchItem } from '../../message/batch-body.js';
import type { SendResult } from '../../pipeline/send-result.js';
import type { Whereabouts } from '../../pipeline/send-state.js';
import type { DeadlineEntry } from '../../runtime/deadline-entry.js';
import type { DeadlineHeap } from '../../runtime/deadline-heap.js';
import type { RawMessage } from '../producer.js';
import type { SendObserver } from '../producer-send.js';

/** Who has a message that was told to wait: those it waits with, or the send that carries it. */
export interface Carrier {
  /** Whether it may have reached a broker. */
  readonly sent: 'no' | 'maybe';
  readonly whereabouts: Whereabouts;
  /** Goes on without the message, which has ended. */
  leave(send: HeldSend): void;
}

/** One send of an application that waits for others, and then travels with them: with its own deadline and its own end. */
export class HeldSend implements DeadlineEntry {
  readonly message: RawMessage;
  readonly item: BatchItem;
  readonly msgId: string;
  readonly startMs: number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  heapIndex = -1;
  carrier: Carrier | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #observer: SendObserver;
  readonly #deadlines: DeadlineHeap;
  #ended = false;

  constructor(
    message: RawMessage,
    item: BatchItem,
    msgId: string,
    times: { readonly startMs: number; readonly timeoutMs: number },
    signal: AbortSignal | undefined,
    observer: SendObserver,
    deadlines: DeadlineHeap,
  ) {
    this.message = message;
    this.item = item;
    this.msgId = msgId;
    this.startMs = times.startMs;
    this.timeoutMs = times.timeoutMs;
    this.deadlineMs = times.startMs + times.timeoutMs;
    this.#signal = signal;
    this.#observer = observer;
    this.#deadlines = deadlines;
  }

  /** Begins to look at its deadline and its caller's signal. */
  begin(): void {
    if (this.deadlineMs !== Number.POSITIVE_INFINITY) this.#deadlines.add(this);
    if (this.#signal?.aborted === true) this.cancel();
    else this.#signal?.addEventListener('abort', this);
  }

  /** Its carrier has the same deadline, and knows better what is late. */
  leaveDeadlineToCarrier(): void {
    this.#deadlines.remove(this);
  }

  onDeadline(): void {
    const { whereabouts = WAITING, sent = 'no' } = this.carrier ?? {};
    this.#breakOff(this.timedOut(whereabouts, sent));
  }

  /** The listener of the caller's AbortSignal. */
  handleEvent(): void {
    this.cancel();
  }

  cancel(): void {
    const { topic } = this.message;
    const sent = this.carrier?.sent ?? 'no';
    const message = `The send to topic ${topic} was cancelled; ${SENT_WORDS[sent]}`;
    this.#breakOff(rocketMQError('RMQ_SEND_ABORTED', message, { topic, sent, msgId: this.msgId }));
  }

  timedOut(where: Whereabouts, sent: 'no' | 'maybe', cause?: unknown): RocketMQErrorOf<'RMQ_SEND_TIMEOUT'> {
    const { topic } = this.message;
    const { timeoutMs, msgId } = this;
    const place = where.plugin === undefined ? `stage ${where.stage}` : `plugin ${where.plugin}`;
    const message = `The send to topic ${topic} did not end within ${timeoutMs} ms: its batch sat in ${place}; ${SENT_WORDS[sent]}`;
    return rocketMQError('RMQ_SEND_TIMEOUT', message, { topic, timeoutMs, ...where, sent, msgId }, { cause });
  }

  onResult(result: SendResult): void {
    if (this.#end()) this.#observer.onResult(result);
  }

  onError(error: RocketMQError): void {
    if (this.#end()) this.#observer.onError(error);
  }

  #breakOff(error: RocketMQError): void {
    if (this.#ended) return;
    const { carrier } = this;
    this.onError(error);
    carrier?.leave(this);
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#deadlines.remove(this);
    this.#signal?.removeEventListener('abort', this);
    return true;
  }
}

/** Where a message sits that waits for others: in front of the first stage. */
export const WAITING: Whereabouts = { stage: 'autoBatch' };

const SENT_WORDS = { no: 'nothing was sent', maybe: 'the message may be stored' } as const;
