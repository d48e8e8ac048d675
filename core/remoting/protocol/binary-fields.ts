import { rocketMQError } from '../../errors/rocketmq-error.js';
import { bareRecord } from '../../runtime/bare-record.js';

/** Names that were read before, by a hash of their bytes: nearly every field's name is one of a few dozen. */
const INTERNED_NAMES = new Array<string | undefined>(1024);
const INTERNED_BYTES_MAX = 40;

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
    const valueLength = bytes.readInt32BE(position);
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
    const valueEnd = valueStart + bytes.readInt32BE(nameEnd);
    // Java reads an empty name as null and cannot mean anything by it.
    if (nameEnd > nameStart) fields[readName(bytes, nameStart, nameEnd)] = readValue(bytes, valueStart, valueEnd);
    position = valueEnd;
  }
  return fields;
}

function readValue(bytes: Buffer, start: number, end: number): string {
  if (end === start) return '';
  if (end - start === 1 && bytes[start]! < 0x80) return String.fromCharCode(bytes[start]!);
  return bytes.toString('utf8', start, end);
}

function readName(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > INTERNED_BYTES_MAX) return bytes.toString('utf8', start, end);
  let hash = length;
  for (let position = start; position < end; position++) hash = (hash * 31 + bytes[position]!) | 0;
  const slot = (hash ^ (hash >>> 15)) & (INTERNED_NAMES.length - 1);
  const known = INTERNED_NAMES[slot];
  if (known !== undefined && known.length === length && sameAscii(known, bytes, start)) return known;
  const name = bytes.toString('utf8', start, end);
  if (name.length === length) INTERNED_NAMES[slot] = name;
  return name;
}

/** Whether `text` is exactly the ASCII bytes at `start`; a byte from 0x80 on never equals, as such names are not interned. */
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
