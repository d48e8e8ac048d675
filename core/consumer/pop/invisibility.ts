import type { Clock, Timer } from '../../runtime/clock.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PoppedMessage } from './popped-message.js';
import type { Receipt } from './receipt.js';

/** Looks in one invisible time; a message is prolonged when half of it is over. */
const LOOKS = 6;

export interface InvisibilityServices {
  readonly invisibleTimeMs: number;
  /** A message that waits for a handler, or is with one, for longer is let go. */
  readonly waitMsMax: number;
  /** Whether the application wants nothing of the queue now. */
  readonly isPaused: (consumed: ConsumedQueue) => boolean;
  /** Asks the broker for one more invisible time. @throws when it does not give it */
  readonly prolong: (consumed: ConsumedQueue, pulled: PoppedMessage, forMs: number) => Promise<Receipt>;
  /** The invisible time of a message is over: it may be with somebody else by now. */
  readonly onExpired: (consumed: ConsumedQueue, pulled: PoppedMessage) => void;
  /** A message could not be prolonged; it is tried again while there is time. */
  readonly onFailed: (consumed: ConsumedQueue, pulled: PoppedMessage, error: unknown) => void;
  readonly clock: Clock;
}

/**
 * Keeps messages invisible to others for as long as they are here: a handler may take longer than one invisible time. Java's
 * client does not, there they come again meanwhile; Apache's proxy does. What waits for a handler while its queue is paused, or
 * for too long, is let go: others have room for it.
 */
export class Invisibility {
  readonly #services: InvisibilityServices;
  /** In the order in which they came. */
  readonly #held = new Map<PoppedMessage, ConsumedQueue>();
  #timer: Timer | undefined;

  constructor(services: InvisibilityServices) {
    this.#services = services;
  }

  hold(consumed: ConsumedQueue, messages: readonly PoppedMessage[]): void {
    for (const message of messages) this.#held.set(message, consumed);
    this.#lookLater();
  }

  /** Something was said of it, or it is let go. */
  release(message: PoppedMessage): void {
    this.#held.delete(message);
  }

  /** Lets some go. */
  releaseAll(
    which: (message: PoppedMessage, consumed: ConsumedQueue) => boolean,
  ): readonly (readonly [PoppedMessage, ConsumedQueue])[] {
    const released = [...this.#held].filter(([message, consumed]) => which(message, consumed));
    for (const [message] of released) this.#held.delete(message);
    return released;
  }

  /** Prolongs nothing any more. */
  stop(): void {
    this.#held.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookLater(): void {
    if (this.#held.size === 0) return;
    const { clock, invisibleTimeMs } = this.#services;
    this.#timer ??= clock.setTimer(Math.ceil(invisibleTimeMs / LOOKS), () => {
      this.#timer = undefined;
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    const { clock, invisibleTimeMs, onExpired } = this.#services;
    const nowMs = clock.monotonic();
    for (const [message, consumed] of [...this.#held]) {
      if (message.invisibleUntilMs <= nowMs) {
        this.#held.delete(message);
        onExpired(consumed, message);
      } else if (message.invisibleUntilMs - nowMs <= invisibleTimeMs / 2 && this.#isWanted(consumed, message, nowMs)) {
        this.#prolong(consumed, message);
      }
    }
  }

  #isWanted(consumed: ConsumedQueue, message: PoppedMessage, nowMs: number): boolean {
    const { isPaused, waitMsMax } = this.#services;
    // Nobody waits for a handler for longer; whoever forgot a message must not keep it for ever.
    if (nowMs - message.sinceMs > waitMsMax) return false;
    return message.taken || !isPaused(consumed);
  }

  #prolong(consumed: ConsumedQueue, message: PoppedMessage): void {
    if (message.renewing !== undefined) return;
    const { clock, invisibleTimeMs, prolong, onFailed } = this.#services;
    const askedMs = clock.monotonic();
    message.renewing = prolong(consumed, message, invisibleTimeMs)
      .then(
        (receipt) => {
          message.receipt = receipt;
          message.invisibleUntilMs = askedMs + invisibleTimeMs;
        },
        (error: unknown) => onFailed(consumed, message, error),
      )
      .finally(() => {
        message.renewing = undefined;
      });
  }
}
