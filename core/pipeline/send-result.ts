import type { MessageQueue } from '../message/message.js';

/** How a send ended. HANDED_OVER is a oneway send whose bytes are with the socket; the others are RocketMQ's SendStatus. */
export type SendStatus =
  | 'SEND_OK'
  | 'FLUSH_DISK_TIMEOUT'
  | 'FLUSH_SLAVE_TIMEOUT'
  | 'SLAVE_NOT_AVAILABLE'
  | 'HANDED_OVER';

/** What a send resolves to. Matches Apache's SendResult. */
export interface SendResult {
  /** `SEND_OK`; any other means that it is stored, but not flushed or replicated in time (`notStored` of the producer). */
  readonly status: SendStatus;
  /** The id that this client gave the message (property UNIQ_KEY). */
  readonly msgId: string;
  /** Where the broker stored it; undefined for a oneway send. */
  readonly offsetMsgId: string | undefined;
  /** Where it went. */
  readonly queue: MessageQueue;
  /** Position in the queue; undefined for a oneway send. */
  readonly queueOffset: number | undefined;
  /** Of a transactional message. */
  readonly transactionId: string | undefined;
  /** `DefaultRegion` unless the broker says otherwise. */
  readonly regionId: string;
  /** Whether the broker wants it traced. */
  readonly traceOn: boolean;
  /** Of a message that was timed, for `producer.recall`. */
  readonly recallHandle: string | undefined;
  /** Attempts made, 1 for a send that went through at once. */
  readonly attempts: number;
}

export const RESULT_RULE = 'its result is a SendResult, with status, msgId and queue';

/** Whether it has what whoever comes next, another plugin perhaps, reads of every result. */
export function isSendResult(value: unknown): value is SendResult {
  const { status, msgId, queue } = (value ?? {}) as Partial<SendResult>;
  return typeof status === 'string' && typeof msgId === 'string' && typeof queue === 'object' && queue !== null;
}
