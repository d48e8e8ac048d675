import { queueMicrotask, setImmediate } from '../runtime/event-loop.js';
import type { Wire, WireEvents } from './transport.js';

/** Beyond this a writer is asked to hold back, as a socket does when its reader is slow. */
const BUFFERED_BYTES_MAX = 1024 * 1024;

/** Delivers, in the next turn of the event loop, what was written in this one. */
export interface DeliveryQueue {
  add(wire: MemoryWire): void;
}

export function createDeliveryQueue(): DeliveryQueue {
  let due = new Set<MemoryWire>();
  const deliverAll = (): void => {
    const wires = due;
    due = new Set();
    for (const wire of wires) wire.deliver();
  };
  return {
    add(wire) {
      if (due.size === 0) setImmediate(deliverAll);
      due.add(wire);
    },
  };
}

/**
 * One end of a byte stream inside the process. What is written is copied, so that neither side can alter the other's
 * bytes; all writes of a turn arrive together in a later turn, as over a socket.
 */
export class MemoryWire implements Wire {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly copiesWrites = true;
  readonly #queue: DeliveryQueue;
  #peer: MemoryWire | undefined;
  #events: WireEvents | undefined;
  /** Written by the peer, not delivered yet. */
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  #paused = false;
  /** The peer writes no more: after the inbox comes the end. */
  #peerEnded = false;
  #ending = false;
  #closed = false;
  #closeReported = false;
  #error: Error | undefined;
  #needsDrain = false;

  constructor(queue: DeliveryQueue, localAddress: string, remoteAddress: string) {
    this.#queue = queue;
    this.localAddress = localAddress;
    this.remoteAddress = remoteAddress;
  }

  /** Joins two ends; from now on both report. */
  static join(one: MemoryWire, oneEvents: WireEvents, other: MemoryWire, otherEvents: WireEvents): void {
    one.#peer = other;
    other.#peer = one;
    one.#events = oneEvents;
    other.#events = otherEvents;
    for (const wire of [one, other]) {
      // Whoever accepts may have closed its end at once.
      wire.#peerEnded = wire.#peer!.#closed || wire.#peer!.#ending;
      if (wire.#peerEnded) wire.#queue.add(wire);
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  get bufferedBytes(): number {
    return this.#peer === undefined ? 0 : this.#peer.#inboxBytes;
  }

  write(buffers: readonly Uint8Array[], flushed?: (error?: Error) => void): boolean {
    const peer = this.#peer;
    if (!peer || this.#closed || this.#ending || peer.#closed) {
      const error = new Error(`the connection to ${this.remoteAddress} is closed`);
      if (flushed) queueMicrotask(() => flushed(error));
      if (peer) this.destroy(error);
      return false;
    }
    let length = 0;
    for (const buffer of buffers) length += buffer.length;
    const copy = Buffer.allocUnsafe(length);
    let position = 0;
    for (const buffer of buffers) {
      copy.set(buffer, position);
      position += buffer.length;
    }
    peer.#inbox.push(copy);
    peer.#inboxBytes += length;
    this.#queue.add(peer);
    if (flushed) queueMicrotask(() => flushed());
    this.#needsDrain = peer.#inboxBytes >= BUFFERED_BYTES_MAX;
    return !this.#needsDrain;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#queue.add(this);
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#paused = false;
    const peer = this.#peer;
    if (!peer) {
      this.destroy();
      return;
    }
    peer.#peerEnded = true;
    this.#queue.add(peer);
  }

  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#queue.add(this);
    const peer = this.#peer;
    if (!peer) return;
    peer.#peerEnded = true;
    this.#queue.add(peer);
  }

  /** Memory holds no handle: what is under way is delivered, and nothing else keeps the process alive. */
  setRef(): void {}

  /** Called by the queue only. */
  deliver(): void {
    if (this.#closed) this.#reportClose();
    if (this.#closed || this.#paused) return;
    if (this.#inbox.length > 0) {
      const chunk = this.#inbox.length === 1 ? this.#inbox[0]! : Buffer.concat(this.#inbox, this.#inboxBytes);
      this.#inbox = [];
      this.#inboxBytes = 0;
      // After `end` what still arrives is read away, as over a socket.
      if (!this.#ending) this.#events?.data(chunk);
      if (this.#peer) this.#peer.#drain();
    }
    // The receiver may have paused or closed it meanwhile, and more may have been written: another turn looks.
    if (this.#peerEnded && !this.#paused && this.#inbox.length === 0 && !this.#closed) this.destroy();
  }

  #drain(): void {
    if (!this.#needsDrain || this.#closed) return;
    this.#needsDrain = false;
    this.#events?.drained?.();
  }

  #reportClose(): void {
    if (this.#closeReported) return;
    this.#closeReported = true;
    this.#events?.closed(this.#error);
  }
}
