import { formatBody, integerOf, parseBody } from './body-fields.js';
import { queueMapValue, readQueueMap } from './message-queue-body.js';
import type { QueueOffsets } from './reset-offset-body.js';

/** What a broadcasting consumer keeps in `offsets.json`. Matches Apache's OffsetSerializeWrapper. */
export function encodeLocalOffsets(offsetTable: QueueOffsets): Buffer {
  return formatBody({ offsetTable: queueMapValue(offsetTable, (offset) => offset) });
}

/** @throws RMQ_BODY_INVALID */
export function decodeLocalOffsets(text: string): QueueOffsets {
  return readQueueMap(parseBody(text, 'OffsetSerializeWrapper'), 'offsetTable', 'OffsetSerializeWrapper', integerOf);
}
