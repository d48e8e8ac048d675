import { batchItemSize } from '../../message/batch-body.js';
import type { SendTarget } from '../../pipeline/context.js';
import type { Whereabouts } from '../../pipeline/send-state.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import type { SendOptions } from '../producer.js';
import type { ProducerSend, SendObserver } from '../producer-send.js';
import { BatchFlight } from './batch-flight.js';
import { type BatchPart, batchPart, type PartRules, singlePart } from './batch-part.js';
import { type Carrier, type HeldSend, WAITING } from './held-send.js';

/** Begins the send of a part. */
export type LaunchPart = (
  part: BatchPart,
  options: SendOptions,
  startMs: number,
  observer: SendObserver,
) => ProducerSend;

/** What an open batch needs of its producer. */
export interface OpenBatchHost extends PartRules {
  readonly clock: Clock;
  readonly launchPart: LaunchPart;
}

/** What all messages of an open batch have in common. */
export interface SharedOptions {
  readonly target: SendTarget | undefined;
  readonly attemptTimeoutMs: number | undefined;
}

/** Messages that wait for others, until the time is over or there are enough. */
export class OpenBatch implements Carrier {
  readonly sent = 'no';
  readonly whereabouts: Whereabouts = WAITING;
  readonly #host: OpenBatchHost;
  readonly #shared: SharedOptions;
  /** Told how many bytes wait no longer. */
  readonly #onGone: (batch: OpenBatch, bytes: number) => void;
  readonly #timer: Timer;
  readonly #sends = new Set<HeldSend>();
  #sizeBytes = 0;

  constructor(
    host: OpenBatchHost,
    lingerMs: number,
    shared: SharedOptions,
    onGone: (batch: OpenBatch, bytes: number) => void,
  ) {
    this.#host = host;
    this.#shared = shared;
    this.#onGone = onGone;
    this.#timer = host.clock.setTimer(lingerMs, () => this.flush(), { ref: true });
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isEmpty(): boolean {
    return this.#sends.size === 0;
  }

  add(send: HeldSend): void {
    this.#sends.add(send);
    this.#sizeBytes += batchItemSize(send.item);
    send.carrier = this;
  }

  leave(send: HeldSend): void {
    if (!this.#sends.delete(send)) return;
    const bytes = batchItemSize(send.item);
    this.#sizeBytes -= bytes;
    if (this.isEmpty) this.#timer.cancel();
    this.#onGone(this, bytes);
  }

  /** Sends what is there, now. */
  flush(): void {
    this.#timer.cancel();
    const sends = [...this.#sends];
    const bytes = this.#sizeBytes;
    this.#sends.clear();
    this.#sizeBytes = 0;
    this.#onGone(this, bytes);
    const [first, second] = sends;
    if (first === undefined) return;
    if (second === undefined) this.#launchSingle(first);
    else this.#launchBatch(sends);
  }

  /** Nobody joined it: it goes as it would have gone without waiting. */
  #launchSingle(send: HeldSend): void {
    send.leaveDeadlineToCarrier();
    const flight = new BatchFlight([send], singlePart(send.message, send.msgId));
    flight.launch((part, observer) =>
      this.#host.launchPart(part, this.#optionsFor(send.timeoutMs), send.startMs, observer),
    );
  }

  /** The batch has the latest deadline of its messages; those with an earlier one end by themselves. */
  #launchBatch(sends: readonly HeldSend[]): void {
    const startMs = this.#host.clock.monotonic();
    const last = sends.reduce((one, other) => (other.deadlineMs > one.deadlineMs ? other : one));
    last.leaveDeadlineToCarrier();
    const messages = sends.map(({ message }) => message);
    const items = sends.map(({ item }) => item);
    const msgIds = sends.map(({ msgId }) => msgId);
    const options = this.#optionsFor(Math.max(last.deadlineMs - startMs, 1));
    const flight = new BatchFlight(sends, batchPart({ messages, items, msgIds }, this.#host));
    flight.launch((part, observer) => this.#host.launchPart(part, options, startMs, observer));
  }

  #optionsFor(timeoutMs: number): SendOptions {
    const { target, attemptTimeoutMs } = this.#shared;
    return { timeoutMs, ...(attemptTimeoutMs !== undefined && { attemptTimeoutMs }), ...target };
  }
}
