import { queueMicrotask } from '../runtime/event-loop.js';
import { joinFrames, type OutgoingFrame, sizeOf } from './outgoing-frame.js';
import { LentMemory, leave } from './protocol/frame-memory.js';
import type { Wire } from './transport.js';

/** Taken-back frames are swept out of a queue that cannot leave when they are this many and the larger part. */
const SWEEP_MIN = 256;

/**
 * What waits to be written. All frames of one turn leave in one gathering write: when the turn that is held ends, else by
 * microtask. While the wire is not there yet or wants to drain they stay here, where they can still be taken back.
 */
export class WriteQueue {
  readonly #onWrite: (ahead: number) => void;
  #wire: Wire | undefined;
  #writable = false;
  #held = false;
  #scheduled = false;
  #frames: OutgoingFrame[] = [];
  #bytes = 0;
  #takenBack = 0;
  readonly #lent = new LentMemory();
  #oneways = 0;

  /** `onWrite` hears of each write, with the bytes that an earlier one still has in front of it. */
  constructor(onWrite: (ahead: number) => void) {
    this.#onWrite = onWrite;
  }

  /** Bytes here and in the wire that the operating system has not taken. */
  get unsentBytes(): number {
    return this.#bytes + (this.#wire === undefined ? 0 : this.#wire.bufferedBytes);
  }

  /** Frames that wait, those included that were taken back and not swept out yet. */
  get length(): number {
    return this.#frames.length;
  }

  attach(wire: Wire): void {
    this.#wire = wire;
    this.#writable = true;
    this.flush();
  }

  add(frame: OutgoingFrame): void {
    this.#frames.push(frame);
    this.#bytes += sizeOf(frame);
    if (frame.oneway) this.#oneways++;
    if (this.#held || this.#scheduled || !this.#writable) return;
    this.#scheduled = true;
    queueMicrotask(() => this.flush());
  }

  /** Takes a frame out that has not been written. */
  takeBack(frame: OutgoingFrame): void {
    if (frame.memory === undefined) return;
    this.#bytes -= sizeOf(frame);
    leave(frame);
    frame.body = undefined;
    frame.bodyParts = undefined;
    this.#takenBack++;
    if (this.#takenBack >= SWEEP_MIN && this.#takenBack * 2 > this.#frames.length) {
      this.#frames = this.#frames.filter((each) => each.memory !== undefined);
      this.#takenBack = 0;
    }
  }

  /** Holds writes back until the turn ends; false when a turn is held already. */
  hold(): boolean {
    if (this.#held) return false;
    this.#held = true;
    return true;
  }

  /** Writes what a held turn has so far; the rest is held on. */
  flushHeld(): void {
    this.#held = false;
    this.flush();
    this.#held = true;
  }

  /** Ends a held turn with its write. */
  release(): void {
    this.#held = false;
    this.flush();
  }

  /** Hands over what waits, in one write. */
  flush(): void {
    this.#scheduled = false;
    const wire = this.#wire;
    if (!this.#writable || this.#held || wire === undefined || this.#frames.length === 0) return;
    const frames = this.#frames;
    const oneways = this.#oneways === 0 ? undefined : frames.filter((each) => each.oneway && each.memory !== undefined);
    this.#frames = [];
    this.#bytes = 0;
    this.#takenBack = 0;
    this.#oneways = 0;
    const buffers = joinFrames(frames, this.#lent);
    if (buffers.length === 0) return;
    this.#onWrite(wire.bufferedBytes);
    this.#writable = wire.write(
      buffers,
      oneways &&
        ((error) => {
          for (const each of oneways) each.onHandedOver(error);
        }),
    );
    this.#lent.release(wire.copiesWrites === true || wire.bufferedBytes === 0);
  }

  /** The wire has drained. */
  onDrained(): void {
    this.#writable = true;
    this.flush();
  }

  /** Nothing will be written any more. */
  close(): void {
    this.#writable = false;
    for (const frame of this.#frames) leave(frame);
    this.#frames = [];
    this.#bytes = 0;
  }
}
