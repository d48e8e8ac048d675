import { formatBody, parseBody, stringOf, tableMember } from './body-fields.js';

/** Names and values: KV configuration, and a broker's runtime information. Matches Apache's KVTable. */
export type KVTable = ReadonlyMap<string, string>;

export function encodeKVTable(table: KVTable): Buffer {
  return formatBody({ table });
}

/** @throws RMQ_BODY_INVALID */
export function decodeKVTable(body: Buffer): KVTable {
  return tableMember(parseBody(body, 'KVTable'), 'table', 'KVTable', stringOf);
}
