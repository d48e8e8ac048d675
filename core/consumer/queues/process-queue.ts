/** A message between pull and acknowledgement. */
export interface HeldMessage {
  readonly queueOffset: number;
  /** Of the record. */
  readonly sizeBytes: number;
  /** Set by the queue that holds it only. */
  acknowledged: boolean;
}

/** What was brought of one queue and is not acknowledged yet. */
export interface HeldQueue<M extends HeldMessage> {
  /** Where the next pull begins. */
  readonly nextOffset: number;
  /** Messages that are not acknowledged. */
  readonly count: number;
  /** Bytes of their records. */
  readonly sizeBytes: number;
  /** Distance from the oldest unacknowledged message to the newest; 0 without any. */
  readonly span: number;
  /** The message that holds the offset. */
  readonly oldest: M | undefined;
  /** Everything below is acknowledged, or was none of this consumer's business. */
  readonly committableOffset: number;
  readonly hasUntaken: boolean;
  /** @returns how many were added */
  put(messages: readonly M[], nextOffset: number): number;
  /** There is nothing for this consumer up to `nextOffset`. Never goes back. */
  skipTo(nextOffset: number): void;
  /** The next messages to handle, `max` at most; they stay held until they are acknowledged. */
  takeUpTo(max: number): M[];
  /** Tells whether this was its first acknowledgement. */
  acknowledge(message: M): boolean;
}

/**
 * What was pulled of one queue and is not committed yet, in the order of the queue. Messages are acknowledged in any
 * order; what may be committed never passes the oldest one that is not. Pure: no clock, no I/O. Does the work of
 * Apache's ProcessQueue, without its tree: offsets only grow while a queue is ours, so a window over an array is enough.
 */
export class ProcessQueue<M extends HeldMessage> implements HeldQueue<M> {
  #messages: M[] = [];
  /** Index of the oldest unacknowledged message; everything before it is done. */
  #oldest = 0;
  /** Index of the next message that nobody took yet. */
  #untaken = 0;
  #count = 0;
  #sizeBytes = 0;
  #nextOffset: number;

  constructor(startOffset: number) {
    this.#nextOffset = startOffset;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get span(): number {
    const oldest = this.#messages[this.#oldest];
    if (oldest === undefined) return 0;
    return this.#messages[this.#messages.length - 1]!.queueOffset - oldest.queueOffset;
  }

  get oldest(): M | undefined {
    return this.#messages[this.#oldest];
  }

  get committableOffset(): number {
    return this.#messages[this.#oldest]?.queueOffset ?? this.#nextOffset;
  }

  get hasUntaken(): boolean {
    return this.#untaken < this.#messages.length;
  }

  /**
   * Adds what a pull brought. Messages from before the pull's beginning, or not in ascending order, are left out: they
   * were here already.
   * @param nextOffset where the broker says to go on; what lies between holds nothing for this consumer
   * @returns how many were added
   */
  put(messages: readonly M[], nextOffset: number): number {
    let added = 0;
    for (const message of messages) {
      if (message.queueOffset < this.#nextOffset) continue;
      this.#messages.push(message);
      this.#nextOffset = message.queueOffset + 1;
      this.#sizeBytes += message.sizeBytes;
      added++;
    }
    this.#count += added;
    this.skipTo(nextOffset);
    return added;
  }

  skipTo(nextOffset: number): void {
    if (nextOffset > this.#nextOffset) this.#nextOffset = nextOffset;
  }

  /** The next message to handle, in order of the queue; it stays held until it is acknowledged. */
  take(): M | undefined {
    const message = this.#messages[this.#untaken];
    if (message !== undefined) this.#untaken++;
    return message;
  }

  takeUpTo(max: number): M[] {
    const taken = this.#messages.slice(this.#untaken, this.#untaken + max);
    this.#untaken += taken.length;
    return taken;
  }

  acknowledge(message: M): boolean {
    if (message.acknowledged) return false;
    message.acknowledged = true;
    this.#count--;
    this.#sizeBytes -= message.sizeBytes;
    const messages = this.#messages;
    while (this.#oldest < this.#untaken && messages[this.#oldest]!.acknowledged) this.#oldest++;
    if (this.#oldest === messages.length) {
      this.#messages = [];
      this.#oldest = 0;
      this.#untaken = 0;
    } else if (this.#oldest >= 256 && this.#oldest * 2 >= messages.length) {
      messages.splice(0, this.#oldest);
      this.#untaken -= this.#oldest;
      this.#oldest = 0;
    }
    return true;
  }
}
