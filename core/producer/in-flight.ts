import type { ProducerSend } from './producer-send.js';

/** The sends of a producer that have not ended, the oldest first, as a list through the sends themselves. */
export class InFlight {
  #first: ProducerSend | undefined;
  #last: ProducerSend | undefined;
  #count = 0;
  #whenEmpty: (() => void)[] = [];
  /** What is in flight beside its sends, and has to be told. */
  readonly #holders = new Set<{ cancel(): void }>();

  get count(): number {
    return this.#count;
  }

  get oldest(): ProducerSend | undefined {
    return this.#first;
  }

  add(send: ProducerSend): void {
    this.#count++;
    send.previous = this.#last;
    if (this.#last === undefined) this.#first = send;
    else this.#last.next = send;
    this.#last = send;
  }

  remove(send: ProducerSend): void {
    if (send.previous === undefined) this.#first = send.next;
    else send.previous.next = send.next;
    if (send.next === undefined) this.#last = send.previous;
    else send.next.previous = send.previous;
    send.previous = undefined;
    send.next = undefined;
    this.#uncount();
  }

  /** Something that is more than its sends is in flight, also between two of them; `holder` is cancelled with all. */
  hold(holder?: { cancel(): void }): void {
    this.#count++;
    if (holder !== undefined) this.#holders.add(holder);
  }

  release(holder?: { cancel(): void }): void {
    if (holder !== undefined) this.#holders.delete(holder);
    this.#uncount();
  }

  cancelAll(): void {
    for (let send = this.#first; send !== undefined; send = this.#first) send.cancel();
    for (const holder of [...this.#holders]) holder.cancel();
  }

  /** Resolves when nothing is in flight. */
  drained(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  #uncount(): void {
    this.#count--;
    if (this.#count > 0 || this.#whenEmpty.length === 0) return;
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }
}
