/**
 * The newest bytes of the log once more in memory: most of what is read was written just now, and is read from here without
 * asking the system. A ring; a byte of the log lies at its position modulo the size.
 */
export class LogTail {
  readonly #sizeBytes: number;
  /** Made with the first write: many stores of tests never see one. */
  #ring: Buffer | undefined;
  #start = 0;
  #end = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  /** Takes over what was written at a position. What does not follow the bytes before begins the tail anew. */
  write(bytes: Uint8Array, position: number): void {
    this.#ring ??= Buffer.allocUnsafeSlow(this.#sizeBytes);
    if (position !== this.#end) this.#start = position;
    this.#end = position + bytes.length;
    this.#start = Math.max(this.#start, this.#end - this.#sizeBytes);
    const kept = bytes.length > this.#sizeBytes ? bytes.subarray(bytes.length - this.#sizeBytes) : bytes;
    const at = (this.#end - kept.length) % this.#sizeBytes;
    const first = Math.min(kept.length, this.#sizeBytes - at);
    this.#ring.set(kept.subarray(0, first), at);
    if (first < kept.length) this.#ring.set(kept.subarray(first), 0);
  }

  /** Fills `target` from a position up to the end of the log; undefined when not all of that is here. */
  read(target: Uint8Array, position: number): number | undefined {
    if (this.#ring === undefined || position < this.#start || position >= this.#end) return undefined;
    const sizeBytes = Math.min(target.length, this.#end - position);
    const at = position % this.#sizeBytes;
    const first = Math.min(sizeBytes, this.#sizeBytes - at);
    this.#ring.copy(target, 0, at, at + first);
    if (first < sizeBytes) this.#ring.copy(target, first, 0, sizeBytes - first);
    return sizeBytes;
  }
}
