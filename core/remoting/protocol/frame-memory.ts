/** So much is written into one piece of memory; what a turn sends is nearly always less. */
const MEMORY_BYTES = 512 * 1024;

/** Memory that frames are written into, one behind the other. It is used again once none of them needs it any more. */
export class FrameMemory {
  readonly bytes: Buffer;
  /** Behind the last frame. */
  used = 0;
  /** Frames in it that have not left, and have not been given up. */
  holders = 0;
  /** The operating system reads it at a time of its own: it must never be written again. */
  retired = false;

  constructor(bytesMin: number) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(MEMORY_BYTES, bytesMin));
  }

  /** Made for a single frame; not worth keeping. */
  get isLarge(): boolean {
    return this.bytes.length > MEMORY_BYTES;
  }
}

/** Where a frame lies. */
export interface FramePlace {
  /** Undefined when it lies nowhere: not yet, or no longer. */
  memory: FrameMemory | undefined;
  start: number;
  end: number;
}

/** Gives up a place whose bytes nobody will read. */
export function leave(place: FramePlace): void {
  if (place.memory === undefined) return;
  place.memory.holders--;
  place.memory = undefined;
}

/** The places of frames that are being written: theirs is free again when the write says that it needs it no more. */
export class LentMemory {
  readonly #memories: FrameMemory[] = [];
  readonly #counts: number[] = [];

  /** Takes over the place of a frame. */
  take(place: FramePlace): void {
    const last = this.#memories.length - 1;
    if (this.#memories[last] === place.memory) this.#counts[last]!++;
    else {
      this.#memories.push(place.memory!);
      this.#counts.push(1);
    }
    place.memory = undefined;
  }

  /** `isFree` tells that the write has taken everything; else the memory stays with it. */
  release(isFree: boolean): void {
    for (const [index, memory] of this.#memories.entries()) {
      memory.holders -= this.#counts[index]!;
      if (!isFree) memory.retired = true;
    }
    this.#memories.length = 0;
    this.#counts.length = 0;
  }
}
