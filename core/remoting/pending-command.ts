import type { RocketMQError } from '../errors/rocketmq-error.js';
import type { DeadlineEntry } from '../runtime/deadline-entry.js';
import { queueMicrotask } from '../runtime/event-loop.js';
import type { OutgoingFrame } from './outgoing-frame.js';
import type { FrameMemory } from './protocol/frame-memory.js';
import type { PendingRequest, RequestObserver } from './remoting-client.js';

/** What a pending command tells its connection. */
export interface PendingOwner {
  /** Its caller wants to hear no more. */
  abandon(pending: PendingCommand): void;
  /** Its deadline has passed. */
  expire(pending: PendingCommand): void;
  /** It is oneway, and its bytes are with the operating system, or could not get there. */
  handedOver(pending: PendingCommand, error: Error | undefined): void;
}

/**
 * A request from its start until it is answered. One object is the frame in the write queue, the entry in the deadline
 * heap, the value in the connection's table and what the caller holds: a request costs no more than it.
 */
export class PendingCommand implements PendingRequest, DeadlineEntry, OutgoingFrame {
  memory: FrameMemory | undefined;
  start = 0;
  end = 0;
  body: Uint8Array | undefined;
  bodyParts: readonly Uint8Array[] | undefined;
  written = false;
  heapIndex = -1;
  /** Whether it has ended, by whatever. Its owner sets it. */
  settled = false;
  readonly opaque: number;
  readonly code: number;
  readonly oneway: boolean;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly observer: RequestObserver;
  readonly #owner: PendingOwner;

  constructor(
    owner: PendingOwner,
    opaque: number,
    code: number,
    oneway: boolean,
    timeoutMs: number,
    deadlineMs: number,
    observer: RequestObserver,
  ) {
    this.#owner = owner;
    this.opaque = opaque;
    this.code = code;
    this.oneway = oneway;
    this.timeoutMs = timeoutMs;
    this.deadlineMs = deadlineMs;
    this.observer = observer;
  }

  get sent(): 'no' | 'maybe' {
    return this.written ? 'maybe' : 'no';
  }

  cancel(): 'no' | 'maybe' {
    if (!this.settled) this.#owner.abandon(this);
    return this.sent;
  }

  onDeadline(): void {
    this.#owner.expire(this);
  }

  onHandedOver(error: Error | undefined): void {
    this.#owner.handedOver(this, error);
  }
}

/** A request that could not even be started: its observer hears of it when the caller has this. */
export function failedStart(error: RocketMQError, observer: RequestObserver): PendingRequest {
  let cancelled = false;
  queueMicrotask(() => {
    if (!cancelled) observer.onFailure(error);
  });
  return {
    sent: 'no',
    cancel() {
      cancelled = true;
      return 'no';
    },
  };
}
