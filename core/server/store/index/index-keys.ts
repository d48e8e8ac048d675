const CAPACITY_MIN = 1024;

/** Keys that are in no file yet, in the order of the log: hash, place and store time of each. */
export class IndexKeys {
  #hashes = new Int32Array(CAPACITY_MIN);
  #offsets = new Float64Array(CAPACITY_MIN);
  #timestamps = new Float64Array(CAPACITY_MIN);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(hash: number, commitLogOffset: number, storeTimestamp: number): void {
    if (this.#count === this.#hashes.length) this.#grow();
    this.#hashes[this.#count] = hash;
    this.#offsets[this.#count] = commitLogOffset;
    this.#timestamps[this.#count] = storeTimestamp;
    this.#count++;
  }

  hash(index: number): number {
    return this.#hashes[index]!;
  }

  commitLogOffset(index: number): number {
    return this.#offsets[index]!;
  }

  storeTimestamp(index: number): number {
    return this.#timestamps[index]!;
  }

  removeFirst(count: number): void {
    this.#hashes.copyWithin(0, count, this.#count);
    this.#offsets.copyWithin(0, count, this.#count);
    this.#timestamps.copyWithin(0, count, this.#count);
    this.#count -= count;
  }

  clear(): void {
    this.#count = 0;
  }

  #grow(): void {
    const capacity = this.#count * 2;
    const hashes = new Int32Array(capacity);
    const offsets = new Float64Array(capacity);
    const timestamps = new Float64Array(capacity);
    hashes.set(this.#hashes);
    offsets.set(this.#offsets);
    timestamps.set(this.#timestamps);
    this.#hashes = hashes;
    this.#offsets = offsets;
    this.#timestamps = timestamps;
  }
}
