import { formatBody, integerOf, parseBody, tableMember } from './body-fields.js';

/**
 * Offsets of consumer groups: `topic@group` to queue id to offset. The answer to GET_ALL_CONSUMER_OFFSET and what
 * consumerOffset.json holds. Matches Apache's ConsumerOffsetSerializeWrapper.
 */
export type ConsumerOffsetTable = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** `{"offsetTable":{"topic@group":{"0":5}}}`; queue ids are quoted, which Java reads as well. */
export function encodeConsumerOffsetTable(offsetTable: ConsumerOffsetTable): Buffer {
  return formatBody({ offsetTable });
}

/** @throws RMQ_BODY_INVALID */
export function decodeConsumerOffsetTable(body: Buffer | string): ConsumerOffsetTable {
  const table = parseBody(body, 'ConsumerOffsetTable');
  return tableMember(table, 'offsetTable', 'ConsumerOffsetTable', (queues, name) => {
    const offsets = new Map<number, number>();
    const byName = tableMember({ queues }, 'queues', name, integerOf);
    for (const [queueId, offset] of byName) offsets.set(integerOf(Number(queueId), `${name}'s queue id`), offset);
    return offsets;
  });
}
