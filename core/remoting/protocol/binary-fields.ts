import { rocketMQError } from '../../errors/rocketmq-error.js';
import { bareRecord } from '../../runtime/bare-record.js';
import { readInt32 } from '../../runtime/big-endian.js';

/**
 * Names and short values that were read before, by a hash of their bytes: nearly every name is one of a few dozen, and
 * topics, groups, brokers, switches and the millisecond are the same in many frames. Finding one is cheaper than making it.
 */
const INTERNED_NAMES = new Array<string | undefined>(1024);
const INTERNED_VALUES = new Array<string | undefined>(1024);
const INTERNED_NAME_BYTES_MAX = 40;
const INTERNED_VALUE_BYTES_MAX = 24;

/**
 * Walks over the fields of a binary header without decoding them.
 *
 * ```
 * field: i16 length + name | i32 length + value
 * ```
 * @throws RMQ_FRAME_INVALID when a length is negative or leads out of the area
 */
export function checkBinaryFields(bytes: Buffer, start: number, end: number): void {
  let position = start;
  while (position < end) {
    if (end - position < 2) throw outside('name');
    const nameLength = (bytes[position]! << 8) | bytes[position + 1]!;
    position += 2 + nameLength;
    if (nameLength > 0x7fff || end - position < 4) throw outside('name');
    const valueLength = readInt32(bytes, position);
    position += 4;
    if (valueLength < 0 || valueLength > end - position) throw outside('value');
    position += valueLength;
  }
}

/** Decodes fields that {@link checkBinaryFields} has walked. Of a name that comes twice the last value stays. */
export function readBinaryFields(bytes: Buffer, start: number, end: number): Readonly<Record<string, string>> {
  const fields = bareRecord();
  let position = start;
  while (position < end) {
    const nameStart = position + 2;
    const nameEnd = nameStart + ((bytes[position]! << 8) | bytes[position + 1]!);
    const valueStart = nameEnd + 4;
    const valueEnd = valueStart + readInt32(bytes, nameEnd);
    // Java reads an empty name as null and cannot mean anything by it.
    if (nameEnd > nameStart) {
      fields[interned(INTERNED_NAMES, INTERNED_NAME_BYTES_MAX, bytes, nameStart, nameEnd)] = readFieldValue(
        bytes,
        valueStart,
        valueEnd,
      );
    }
    position = valueEnd;
  }
  return fields;
}

/** A value as text; short ones that were read before are the same string again. */
export function readFieldValue(bytes: Buffer, start: number, end: number): string {
  if (end === start) return '';
  if (end - start === 1 && bytes[start]! < 0x80) return String.fromCharCode(bytes[start]!);
  return interned(INTERNED_VALUES, INTERNED_VALUE_BYTES_MAX, bytes, start, end);
}

function interned(table: (string | undefined)[], bytesMax: number, bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > bytesMax) return bytes.toString('utf8', start, end);
  let hash = length;
  for (let position = start; position < end; position++) hash = (hash * 31 + bytes[position]!) | 0;
  const slot = (hash ^ (hash >>> 15)) & (table.length - 1);
  const known = table[slot];
  if (known !== undefined && known.length === length && sameAscii(known, bytes, start)) return known;
  const text = bytes.toString('utf8', start, end);
  if (text.length === length) table[slot] = text;
  return text;
}

/** Whether `text` is exactly the ASCII bytes at `start`; a byte from 0x80 on never equals, as such texts are not interned. */
function sameAscii(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    const byte = bytes[start + index]!;
    if (byte >= 0x80 || text.charCodeAt(index) !== byte) return false;
  }
  return true;
}

function outside(part: string) {
  return rocketMQError('RMQ_FRAME_INVALID', `No remoting frame: a header field's ${part} leads out of the header`, {});
}
