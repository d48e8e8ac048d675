/**
 * Sums over the last while, in buckets that are forgotten one by one. Pure: the time is an argument, not below 0, and never goes back.
 */
export class RollingSums {
  readonly #bucketMs: number;
  readonly #buckets: readonly number[][];
  #current = -1;

  /** @param fields how many sums are kept side by side */
  constructor(bucketMs: number, buckets: number, fields: number) {
    this.#bucketMs = bucketMs;
    this.#buckets = Array.from({ length: buckets }, () => new Array<number>(fields).fill(0));
  }

  add(nowMs: number, field: number, value: number): void {
    const bucket = this.#advance(nowMs);
    bucket[field] = (bucket[field] as number) + value;
  }

  /** Of the last while, the current bucket included. */
  sum(nowMs: number, field: number): number {
    this.#advance(nowMs);
    return this.#buckets.reduce((total, bucket) => total + (bucket[field] as number), 0);
  }

  #advance(nowMs: number): number[] {
    const number = Math.floor(nowMs / this.#bucketMs);
    const oldest = Math.max(this.#current + 1, number - this.#buckets.length + 1);
    for (let at = oldest; at <= number; at++) this.#at(at).fill(0);
    if (number > this.#current) this.#current = number;
    return this.#at(number);
  }

  #at(number: number): number[] {
    return this.#buckets[number % this.#buckets.length] as number[];
  }
}
