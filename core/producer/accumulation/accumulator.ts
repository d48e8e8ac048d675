import { batchItemSize } from '../../message/batch-body.js';
import { soloProblem } from '../../message/batch-rules.js';
import type { UniqueIdGenerator } from '../../message/message-ids.js';
import { validateMessage } from '../../message/message-rules.js';
import { batchItemOf } from '../../message/outgoing-batch.js';
import { PropertyName } from '../../message/property-names.js';
import { fitsInBatch } from '../../message/split-batch.js';
import type { DeadlineHeap } from '../../runtime/deadline-heap.js';
import type { ResolvedAutoBatch } from '../options.js';
import type { RawMessage } from '../producer.js';
import type { SendObserver } from '../producer-send.js';
import { HeldSend } from './held-send.js';
import { OpenBatch, type OpenBatchHost, type SharedOptions } from './open-batch.js';

/** What the accumulator needs of its producer. */
export interface AccumulatorHost extends OpenBatchHost {
  readonly deadlines: DeadlineHeap;
  readonly ids: UniqueIdGenerator;
  /** @throws RMQ_NOT_RUNNING */
  requireRunning(): void;
}

/** A send before anything was done about it. */
export interface SendRequest extends SharedOptions {
  readonly message: RawMessage;
  /** Monotonic. */
  readonly startMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly observer: SendObserver;
}

/**
 * Gathers sends that nobody made a batch: those that have topic, tag, queue and `waitStored` in common wait a little for
 * one another and go out together. Like Apache's ProduceAccumulator (5.x), but a batch is never larger than its limit, and
 * a message that nobody joined goes as a plain one.
 */
export class Accumulator {
  readonly #options: ResolvedAutoBatch;
  readonly #host: AccumulatorHost;
  readonly #open = new Map<string, OpenBatch>();
  #heldBytes = 0;

  constructor(options: ResolvedAutoBatch, host: AccumulatorHost) {
    this.#options = options;
    this.#host = host;
  }

  /**
   * Takes a message to go with others; undefined when it goes by itself, now.
   * @throws RMQ_MESSAGE_ILLEGAL, RMQ_NOT_RUNNING
   */
  take(request: SendRequest): HeldSend | undefined {
    const { message, signal, observer } = request;
    const { ids, deadlines, system, maxMessageSizeBytes } = this.#host;
    const { sizeBytesMax, totalBytesMax } = this.#options;
    this.#host.requireRunning();
    validateMessage(message, maxMessageSizeBytes);
    if (goesAlone(request)) return undefined;
    const msgId = ids.next();
    const item = batchItemOf(message, msgId, system);
    const sizeBytes = batchItemSize(item);
    if (!fitsInBatch(item, sizeBytesMax) || this.#heldBytes + sizeBytes > totalBytesMax) return undefined;
    const batch = this.#batchFor(request, sizeBytes);
    const send = new HeldSend(message, item, msgId, request, signal, observer, deadlines);
    this.#heldBytes += sizeBytes;
    batch.add(send);
    send.begin();
    if (batch.sizeBytes === sizeBytesMax) batch.flush();
    return send;
  }

  /** Sends everything that waits, now. */
  flushAll(): void {
    for (const batch of [...this.#open.values()]) batch.flush();
  }

  #batchFor(request: SendRequest, sizeBytes: number): OpenBatch {
    const key = keyOf(request);
    const open = this.#open.get(key);
    if (open !== undefined && open.sizeBytes + sizeBytes <= this.#options.sizeBytesMax) return open;
    open?.flush();
    const batch = new OpenBatch(this.#host, this.#options.lingerMs, request, (gone, bytes) => {
      this.#heldBytes -= bytes;
      if (gone.isEmpty && this.#open.get(key) === gone) this.#open.delete(key);
    });
    this.#open.set(key, batch);
    return batch;
  }
}

/** Half messages, delayed ones, those for a retry topic, and those whose queue is known only when they are sent. */
function goesAlone({ message, target }: SendRequest): boolean {
  if (target !== undefined && 'selector' in target) return true;
  return soloProblem(message) !== undefined || message.systemProperties?.[PropertyName.PGROUP] !== undefined;
}

/** What messages have in common that go together. */
function keyOf({ message, target, attemptTimeoutMs }: SendRequest): string {
  const { topic, tag, waitStored = true } = message;
  return JSON.stringify([topic, tag, waitStored, attemptTimeoutMs, target]);
}
