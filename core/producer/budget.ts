/** A send that the budget counts. */
export interface BudgetEntry {
  /** Bytes of its body. */
  readonly sizeBytes: number;
  /** Whether it still wants to go; asked when its turn comes. */
  readonly wanted: boolean;
  /** Called when there is room, already counted. */
  onAdmitted(): void;
}

/**
 * What a producer keeps in flight, by count and by bytes. What does not fit waits in order; a message larger than the
 * whole budget goes when nothing else is in flight.
 */
export class Budget {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  #messages = 0;
  #bytes = 0;
  #waiting: BudgetEntry[] = [];
  #head = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  /** Which limit holds back the first that waits. */
  get fullBy(): 'count' | 'bytes' {
    return this.#messages >= this.#messagesMax ? 'count' : 'bytes';
  }

  /** Counts the entry at once (true), or queues it (false). */
  admit(entry: BudgetEntry): boolean {
    if (this.#head === this.#waiting.length && this.#fits(entry.sizeBytes)) {
      this.#count(entry.sizeBytes);
      return true;
    }
    this.#waiting.push(entry);
    return false;
  }

  /** Gives back what an admitted entry took. */
  release(sizeBytes: number): void {
    this.#messages--;
    this.#bytes -= sizeBytes;
    this.wake();
  }

  /** Lets go what fits; also called when one that waits is not wanted any more. */
  wake(): void {
    while (this.#head < this.#waiting.length) {
      const entry = this.#waiting[this.#head]!;
      if (entry.wanted) {
        if (!this.#fits(entry.sizeBytes)) return;
        this.#count(entry.sizeBytes);
      }
      this.#head++;
      this.#forgetGone();
      if (entry.wanted) entry.onAdmitted();
    }
  }

  #fits(sizeBytes: number): boolean {
    if (this.#messages >= this.#messagesMax) return false;
    return this.#messages === 0 || this.#bytes + sizeBytes <= this.#bytesMax;
  }

  #count(sizeBytes: number): void {
    this.#messages++;
    this.#bytes += sizeBytes;
  }

  /** Now and then, so that the queue costs no more than a constant per entry. */
  #forgetGone(): void {
    if (this.#head < 1_024 && this.#head < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }
}
