import type { MessageQueue } from '../../message/message.js';
import { formatBody, integerOf, listMember, objectOf, parseBody } from './body-fields.js';
import { messageQueueValue, queueMapValue, readMessageQueue, readQueueMap } from './message-queue-body.js';

/** Offsets by queue; each queue is an object of its own. */
export type QueueOffsets = ReadonlyMap<MessageQueue, number>;

/**
 * The offsets that a group has to go on from: body of RESET_CONSUMER_CLIENT_OFFSET and answer to
 * INVOKE_BROKER_TO_RESET_OFFSET. Matches Apache's ResetOffsetBody.
 */
export function encodeResetOffsetBody(offsetTable: QueueOffsets): Buffer {
  return formatBody({ offsetTable: queueMapValue(offsetTable, (offset) => offset) });
}

/** The same as a list, which is what clients of C++ read. Matches Apache's ResetOffsetBodyForC. */
export function encodeResetOffsetBodyForC(offsets: QueueOffsets): Buffer {
  return formatBody({ offsetTable: [...offsets].map(([queue, offset]) => ({ ...messageQueueValue(queue), offset })) });
}

/** Reads either form. @throws RMQ_BODY_INVALID */
export function decodeResetOffsetBody(body: Buffer): QueueOffsets {
  const parsed = parseBody(body, 'ResetOffsetBody');
  if (!Array.isArray(parsed.offsetTable)) return readQueueMap(parsed, 'offsetTable', 'ResetOffsetBody', integerOf);
  const entries = listMember(parsed, 'offsetTable', 'ResetOffsetBody', (value, name) => {
    const entry = objectOf(value, name);
    return [readMessageQueue(entry, name), integerOf(entry.offset, `${name}.offset`)] as const;
  });
  return new Map(entries);
}

/** How far a client is in its queues: its answer to GET_CONSUMER_STATUS_FROM_CLIENT. Matches Apache's GetConsumerStatusBody. */
export function encodeConsumerStatus(messageQueueTable: QueueOffsets): Buffer {
  return formatBody({ messageQueueTable: queueMapValue(messageQueueTable, (offset) => offset) });
}

/** @throws RMQ_BODY_INVALID */
export function decodeConsumerStatus(body: Buffer): QueueOffsets {
  return readQueueMap(
    parseBody(body, 'GetConsumerStatusBody'),
    'messageQueueTable',
    'GetConsumerStatusBody',
    integerOf,
  );
}

/** The same of several clients, by client id: the answer to INVOKE_BROKER_TO_GET_CONSUMER_STATUS. */
export function encodeConsumerStatusTable(consumerTable: ReadonlyMap<string, QueueOffsets>): Buffer {
  const table = new Map<string, object>();
  for (const [clientId, offsets] of consumerTable)
    table.set(
      clientId,
      queueMapValue(offsets, (offset) => offset),
    );
  return formatBody({ consumerTable: table });
}
