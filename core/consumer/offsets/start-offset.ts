import type { MessageQueue } from '../../message/message.js';
import type { SeekPosition } from '../consumer.js';
import type { StartFrom } from '../options/consumer-options.js';
import type { StartReason } from '../report/consumer-event.js';

/** What has to be asked of a broker to know where a queue begins. */
export interface QueueOffsets {
  /** The oldest offset that is there. */
  min(queue: MessageQueue): Promise<number>;
  /** The offset that the next message will get. */
  max(queue: MessageQueue): Promise<number>;
  /** The first offset stored at `timestamp` (milliseconds since 1970) or later, as the broker searches. */
  atTimestamp(queue: MessageQueue, timestamp: number): Promise<number>;
}

export interface StartOffset {
  readonly offset: number;
  readonly reason: StartReason;
}

/**
 * Where reading a queue begins: at the group's stored offset, else where `from` says. Rejects when a broker could not be
 * asked; guessing would skip or repeat messages.
 */
export async function startOffset(
  queue: MessageQueue,
  from: StartFrom,
  stored: number | undefined,
  offsets: QueueOffsets,
): Promise<StartOffset> {
  if (stored !== undefined) return { offset: stored, reason: 'stored' };
  if (from === 'first') return { offset: await offsets.min(queue), reason: 'first' };
  if (from === 'last') return { offset: await offsets.max(queue), reason: 'last' };
  return { offset: await offsets.atTimestamp(queue, from.timestamp), reason: 'timestamp' };
}

/** The offset that a position stands for. Rejects when the broker could not be asked. */
export async function offsetOf(queue: MessageQueue, to: SeekPosition, offsets: QueueOffsets): Promise<number> {
  if (to === 'first') return offsets.min(queue);
  if (to === 'last') return offsets.max(queue);
  return typeof to === 'object' ? offsets.atTimestamp(queue, to.timestamp) : to;
}
