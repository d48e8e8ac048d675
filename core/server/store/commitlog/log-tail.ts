const FIRST_SIZE_BYTES = 64 * 1024;

/**
 * The newest bytes of the log once more in memory: most of what is read was written just now, and is read from here without
 * asking the system. A ring; a byte of the log lies at its position modulo the ring's size, which grows with what is written.
 */
export class LogTail {
  readonly #sizeBytesMax: number;
  #ring: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  /** Takes over what was written at a position. What does not follow the bytes before begins the tail anew. */
  write(bytes: Uint8Array, position: number): void {
    if (position !== this.#end) this.#start = position;
    const end = position + bytes.length;
    this.#makeRoom(end - this.#start, position);
    const sizeBytes = this.#ring.length;
    this.#start = Math.max(this.#start, end - sizeBytes);
    this.#end = end;
    const kept = bytes.length > sizeBytes ? bytes.subarray(bytes.length - sizeBytes) : bytes;
    const at = (end - kept.length) % sizeBytes;
    const first = Math.min(kept.length, sizeBytes - at);
    this.#ring.set(kept.subarray(0, first), at);
    if (first < kept.length) this.#ring.set(kept.subarray(first), 0);
  }

  /** Fills `target` from a position up to the end of the log; undefined when not all of that is here. */
  read(target: Uint8Array, position: number): number | undefined {
    if (position < this.#start || position >= this.#end) return undefined;
    const sizeBytes = Math.min(target.length, this.#end - position);
    const at = position % this.#ring.length;
    const first = Math.min(sizeBytes, this.#ring.length - at);
    this.#ring.copy(target, 0, at, at + first);
    if (first < sizeBytes) this.#ring.copy(target, first, 0, sizeBytes - first);
    return sizeBytes;
  }

  /** `end` is where the tail ends now. */
  #makeRoom(neededBytes: number, end: number): void {
    if (neededBytes <= this.#ring.length || this.#ring.length === this.#sizeBytesMax) return;
    let sizeBytes = Math.max(this.#ring.length, FIRST_SIZE_BYTES);
    while (sizeBytes < neededBytes) sizeBytes *= 2;
    const ring = Buffer.allocUnsafeSlow(Math.min(sizeBytes, this.#sizeBytesMax));
    // One stretch of the log at a time, each whole in both rings.
    for (let position = this.#start; position < end; ) {
      const from = position % this.#ring.length;
      const to = position % ring.length;
      const step = Math.min(end - position, this.#ring.length - from, ring.length - to);
      this.#ring.copy(ring, to, from, from + step);
      position += step;
    }
    this.#ring = ring;
  }
}
