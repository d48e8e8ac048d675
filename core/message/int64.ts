import { readInt32, writeInt32 } from '../runtime/big-endian.js';

const TWO_32 = 0x1_0000_0000;
const INT64_MAX = 2 ** 63;

/** Reads an i64 as a number: exact to 2^53, beyond that the nearest double. */
export function readInt64(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position) * TWO_32 + (readInt32(bytes, position + 4) >>> 0);
}

/** Writes a whole number as an i64: exact to 2^53; one beyond int64 becomes the largest or smallest. */
export function writeInt64(bytes: Uint8Array, position: number, value: number): void {
  if (value >= INT64_MAX || value < -INT64_MAX) {
    writeInt32(bytes, position, value > 0 ? 0x7fffffff : -0x80000000);
    writeInt32(bytes, position + 4, value > 0 ? -1 : 0);
    return;
  }
  const high = Math.floor(value / TWO_32);
  writeInt32(bytes, position, high);
  writeInt32(bytes, position + 4, value - high * TWO_32);
}

/**
 * A number as text. The ends of int64, which others say for "no limit", are told exactly: read as doubles and written by their
 * digits they would lie beyond them, where Java reads no long any more.
 */
export function int64Text(value: number): string {
  if (value === INT64_MAX) return '9223372036854775807';
  return value === -INT64_MAX ? '-9223372036854775808' : String(value);
}
