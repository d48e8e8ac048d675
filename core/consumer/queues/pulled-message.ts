import { rocketMQError } from '../../errors/rocketmq-error.js';
import { readInt64 } from '../../message/int64.js';
import type { ReceivedMessage } from '../../message/message.js';
import type { HeldMessage } from './process-queue.js';

/** Where numbers stand in a record of the commit log (protocol §3.1), and the least a record can be. */
const QUEUE_OFFSET_POSITION = 20;
const PHYSICAL_OFFSET_POSITION = 28;
const RECORD_BYTES_MIN = 91;

/**
 * A record as a pull brought it. The bytes are read when the message is about to be handled, not before: what waits in
 * the process queue costs its bytes only.
 */
export class PulledMessage implements HeldMessage {
  readonly queueOffset: number;
  readonly sizeBytes: number;
  acknowledged = false;
  /** Monotonic milliseconds, whole; set by a feed that has a clock. */
  pulledMs: number | undefined = undefined;
  /** How often handling it failed here. */
  failures = 0;
  /** Kept between tries; undefined before the first. */
  message: ReceivedMessage | undefined = undefined;
  /** What reading it last failed with. */
  unreadable: { readonly error: unknown } | undefined = undefined;
  readonly records: Buffer;
  readonly position: number;

  constructor(records: Buffer, position: number, sizeBytes: number, queueOffset: number) {
    this.records = records;
    this.position = position;
    this.sizeBytes = sizeBytes;
    this.queueOffset = queueOffset;
  }

  /** How often handling it failed, here and before it came here. */
  get tries(): number {
    return this.failures + (this.message?.reconsumeTimes ?? 0);
  }
}

/** Where a record lies in the broker's commit log, also of one that cannot be read otherwise. */
export function physicalOffsetOf({ records, position }: PulledMessage): number {
  return readInt64(records, position + PHYSICAL_OFFSET_POSITION);
}

type MakeMessage<M> = (records: Buffer, position: number, sizeBytes: number, queueOffset: number) => M;

/**
 * Finds the records in the body of a pull's answer, without reading them. `records` is kept by the messages: hand over a
 * copy of bytes that belong to a connection.
 * @throws RMQ_BODY_INVALID when they do not fill the body exactly
 */
export function findRecords(records: Buffer): PulledMessage[];
export function findRecords<M extends PulledMessage>(records: Buffer, make: MakeMessage<M>, asked: string): M[];
export function findRecords(
  records: Buffer,
  make: MakeMessage<PulledMessage> = (...place) => new PulledMessage(...place),
  asked = 'pull',
): PulledMessage[] {
  const messages: PulledMessage[] = [];
  let position = 0;
  while (position < records.length) {
    const left = records.length - position;
    const sizeBytes = left >= RECORD_BYTES_MIN ? records.readInt32BE(position) : 0;
    if (sizeBytes < RECORD_BYTES_MIN || sizeBytes > left) {
      throw rocketMQError(
        'RMQ_BODY_INVALID',
        `the answer to a ${asked} breaks off at byte ${position} of ${records.length}: a record of ${sizeBytes} bytes with ${left} left`,
        {},
      );
    }
    const at = position + QUEUE_OFFSET_POSITION;
    const queueOffset = records.readInt32BE(at) * 0x1_0000_0000 + records.readUInt32BE(at + 4);
    messages.push(make(records, position, sizeBytes, queueOffset));
    position += sizeBytes;
  }
  return messages;
}
