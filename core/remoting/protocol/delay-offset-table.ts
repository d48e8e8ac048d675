import { formatBody, integerOf, parseBody, tableMember } from './body-fields.js';

/**
 * How far each delay level has come: level, from 1, to the queue offset of its first message that was not delivered. The
 * answer to GET_ALL_DELAY_OFFSET and what delayOffset.json holds. Matches Apache's DelayOffsetSerializeWrapper.
 */
export type DelayOffsetTable = ReadonlyMap<number, number>;

/** `{"offsetTable":{"1":5}}`; levels are quoted, which Java reads as well. */
export function encodeDelayOffsetTable(offsetTable: DelayOffsetTable): Buffer {
  return formatBody({ offsetTable });
}

/** @throws RMQ_BODY_INVALID */
export function decodeDelayOffsetTable(body: Buffer | string): DelayOffsetTable {
  const table = parseBody(body, 'DelayOffsetTable');
  const offsets = new Map<number, number>();
  for (const [level, offset] of tableMember(table, 'offsetTable', 'DelayOffsetTable', integerOf)) {
    offsets.set(integerOf(Number(level), 'the delay level'), offset);
  }
  return offsets;
}
