import type { Logger } from '../../../runtime/logger.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import type { ArrivalListener } from '../message-store.js';
import type { TakenMessage } from './append-turn.js';
import type { WriteGate } from './write-gate.js';

export interface ArrivalsParts {
  readonly queues: ConsumeQueues;
  readonly gate: WriteGate;
  readonly logger: Logger;
  /** Where the commit log ended when it was recovered. */
  readonly recoveredEnd: number;
  /** Told the store time of what was indexed, and where that ends in the commit log. */
  readonly onIndexed: (storeTimestamp: number, end: number) => void;
}

/** Makes written messages readable, when the flush policy says so: puts them into their queues and tells who listens. */
export class Arrivals {
  readonly #parts: ArrivalsParts;
  readonly #listeners: ArrivalListener[] = [];
  #readableOffset: number;

  constructor(parts: ArrivalsParts) {
    this.#parts = parts;
    this.#readableOffset = parts.recoveredEnd;
  }

  /** Behind the newest record that can be read. */
  get readableOffset(): number {
    return this.#readableOffset;
  }

  onArrival(listener: ArrivalListener): void {
    this.#listeners.push(listener);
  }

  /** From now on these can be read. Called in the order of the commit log. */
  index(messages: readonly TakenMessage[]): void {
    const { queues, gate, onIndexed } = this.#parts;
    for (const message of messages) {
      if (message.isQueued) {
        queues.put(message.queue, message.queueOffset, message.commitLogOffset, message.sizeBytes, message.tagsCode);
      }
    }
    const last = messages[messages.length - 1]!;
    this.#readableOffset = last.commitLogOffset + last.sizeBytes;
    onIndexed(last.storeTimestamp, this.#readableOffset);
    try {
      for (const message of messages) queues.writeDue(message.queue);
    } catch (error) {
      // The entries stay in memory, and the log has them: only new messages are refused until the disk takes them.
      gate.writeFailed(error);
    }
  }

  /** Tells the listeners of messages that can be read. */
  announce(messages: readonly TakenMessage[]): void {
    if (this.#listeners.length === 0) return;
    for (const { queue, isQueued, queueOffset, tagsCode } of messages) {
      if (!isQueued) continue;
      for (const listener of this.#listeners) {
        try {
          listener(queue.topic, queue.queueId, queueOffset, tagsCode);
        } catch (error) {
          this.#parts.logger.error('a listener for arriving messages threw', { error, topic: queue.topic });
        }
      }
    }
  }
}
