import {
  type Acknowledgement,
  type Checkpoint,
  checkpointKey,
  decodeAck,
  decodeCheckpoint,
  ReviveTag,
  reviveTimeOf,
} from './checkpoint.js';

/** A checkpoint that has reached the revive topic. */
export interface WaitingCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Where it lies in the revive queue. */
  readonly reviveOffset: number;
  /** Queue offsets that nobody acknowledged. */
  readonly unacked: Set<number>;
  /** While what is left of it is delivered again. */
  isReviving: boolean;
}

/** Acknowledgements that are kept without their checkpoint; mostly they are of one that was settled. */
const EARLY_MAX = 4_096;

/**
 * One queue of the revive topic, read from front to back: checkpoints, and acknowledgements that are taken off them. What is
 * left when a checkpoint falls due is delivered again. Matches consumeReviveMessage of Apache's PopReviveService.
 */
export class ReviveQueue {
  /** By name, in the order of the queue. */
  readonly #waiting = new Map<string, WaitingCheckpoint>();
  /** By name: what came in front of its checkpoint, since that had to be stored again. The oldest goes first. */
  readonly #early = new Map<string, Set<number>>();
  #next: number;

  /** @param next the first offset that was not gone through */
  constructor(next: number) {
    this.#next = next;
  }

  /** The next offset to read. */
  get next(): number {
    return this.#next;
  }

  /** All in front of it is settled. */
  get settledTo(): number {
    const [first] = this.#waiting.values();
    return first?.reviveOffset ?? this.#next;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** What waits and is due by then, in the order of the queue. */
  *due(nowMs: number): IterableIterator<WaitingCheckpoint> {
    for (const waiting of this.#waiting.values()) {
      if (!waiting.isReviving && reviveTimeOf(waiting.checkpoint) <= nowMs) yield waiting;
    }
  }

  /** When the next falls due, milliseconds since 1970; undefined when none waits. */
  get firstDueMs(): number | undefined {
    let first: number | undefined;
    for (const { checkpoint, isReviving } of this.#waiting.values()) {
      if (!isReviving) first = Math.min(first ?? Number.POSITIVE_INFINITY, reviveTimeOf(checkpoint));
    }
    return first;
  }

  /** A record was read. @throws RMQ_BODY_INVALID for what is neither; it is passed over then */
  take(offset: number, tag: string | undefined, body: Buffer): void {
    this.#next = offset + 1;
    if (tag === ReviveTag.CHECKPOINT) this.#takeCheckpoint(decodeCheckpoint(body), offset);
    else if (tag === ReviveTag.ACK || tag === ReviveTag.BATCH_ACK) this.#takeAck(decodeAck(body));
  }

  /** What lies in front of `offset` is no more. */
  skipTo(offset: number): void {
    this.#next = Math.max(this.#next, offset);
  }

  settle({ checkpoint }: WaitingCheckpoint): void {
    this.#waiting.delete(checkpointKey(checkpoint));
  }

  #takeCheckpoint(checkpoint: Checkpoint, reviveOffset: number): void {
    const { offsets, ackedBits } = checkpoint;
    const unacked = new Set(offsets.filter((_, index) => ((ackedBits >>> index) & 1) === 0));
    const key = checkpointKey(checkpoint);
    for (const offset of this.#early.get(key) ?? []) unacked.delete(offset);
    this.#early.delete(key);
    if (unacked.size > 0) this.#waiting.set(key, { checkpoint, reviveOffset, unacked, isReviving: false });
  }

  #takeAck(ack: Acknowledgement): void {
    const key = checkpointKey(ack);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      this.#keep(key, ack.offsets);
      return;
    }
    for (const offset of ack.offsets) waiting.unacked.delete(offset);
    if (waiting.unacked.size === 0 && !waiting.isReviving) this.#waiting.delete(key);
  }

  #keep(key: string, offsets: readonly number[]): void {
    const early = this.#early.get(key) ?? new Set();
    for (const offset of offsets) early.add(offset);
    this.#early.delete(key);
    this.#early.set(key, early);
    if (this.#early.size <= EARLY_MAX) return;
    const [oldest = ''] = this.#early.keys();
    this.#early.delete(oldest);
  }
}
