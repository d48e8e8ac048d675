const TWO_32 = 0x1_0000_0000;
const INT64_MAX = 2 ** 63;

/** Reads an i64 as a number: exact to 2^53, beyond that the nearest double. */
export function readInt64(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * TWO_32 + bytes.readUInt32BE(position + 4);
}

/** Writes a whole number as an i64: exact to 2^53; one beyond int64 becomes the largest or smallest. */
export function writeInt64(bytes: Buffer, position: number, value: number): void {
  if (value >= INT64_MAX || value < -INT64_MAX) {
    bytes.writeInt32BE(value > 0 ? 0x7fffffff : -0x80000000, position);
    bytes.writeUInt32BE(value > 0 ? 0xffffffff : 0, position + 4);
    return;
  }
  const high = Math.floor(value / TWO_32);
  bytes.writeInt32BE(high, position);
  bytes.writeUInt32BE(value - high * TWO_32, position + 4);
}
