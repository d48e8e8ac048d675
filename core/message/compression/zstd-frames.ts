import { decompressFailed, tooLarge } from './decompress-failed.js';
import { FrameReader } from './frame-reader.js';

/**
 * One zstd frame (RFC 8878), numbers little-endian:
 *
 *     magic 28 B5 2F FD | descriptor 1 | window 1, unless single segment | dictionary id 0, 1, 2 or 4 | content size 0 to 8
 *     blocks: 3 bytes (bit 0 last, bits 2-1 type, then the size) | data …
 *     checksum 4, if descriptor bit 2
 *
 * Descriptor: bits 7-6 say how long the content size is, bit 5 single segment, bit 3 is reserved, bits 1-0 say how long the
 * dictionary id is. Frames follow one another.
 */
const MAGIC = 0xfd2fb528;
const DESCRIPTOR = { SINGLE_SEGMENT: 0x20, RESERVED: 0x08, CHECKSUM: 0x04 };
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const BLOCK = { RAW: 0, RLE: 1, COMPRESSED: 2 };

/** What a block holds at most. */
export const ZSTD_BLOCK_BYTES_MAX = 128 * 1024;

/** The least window that every reader of zstd has to have room for, says RFC 8878; levels 1 to 9 use less. */
export const ZSTD_WINDOW_BYTES_MIN = 8 * 1024 * 1024;

/**
 * The frames of a body, at least one. Refuses those that say themselves that they take more memory than allowed; that they
 * hold no more than they say is for the decoder to see. `onBlock` is told where in its frame each block ends, and what it
 * can hold at most.
 * @throws RMQ_DECOMPRESS_FAILED
 */
export function findZstdFrames(
  body: Buffer,
  sizeBytesMax: number,
  windowBytesMax: number,
  onBlock?: (endInFrame: number, holdsMax: number) => void,
): readonly Buffer[] {
  const reader = new FrameReader(body, 'zstd');
  return reader.frames(MAGIC, () => {
    const start = reader.position - 4;
    const descriptor = reader.uint(1);
    if (descriptor & DESCRIPTOR.RESERVED) throw reader.failed('has an unknown kind of');
    const single = (descriptor & DESCRIPTOR.SINGLE_SEGMENT) !== 0;
    const window = single ? 0 : windowBytes(reader.uint(1));
    if (reader.uint(DICTIONARY_ID_BYTES[descriptor & 0x3]!) !== 0) {
      throw decompressFailed(body.length, 'needs a dictionary');
    }
    const contentSize = contentSizeOf(reader, descriptor >> 6, single);
    if (contentSize > sizeBytesMax) throw tooLarge(body.length, sizeBytesMax);
    const needed = single ? contentSize : window;
    if (needed > windowBytesMax) {
      throw decompressFailed(body.length, `needs a window of ${needed} bytes, the limit is ${windowBytesMax}`);
    }
    for (let last = false; !last; ) {
      const header = reader.uint(3);
      const type = (header >> 1) & 0x3;
      const size = header >> 3;
      if (type > BLOCK.COMPRESSED || size > ZSTD_BLOCK_BYTES_MAX) throw reader.failed('has a damaged block in');
      reader.skip(type === BLOCK.RLE ? 1 : size);
      last = (header & 0x1) !== 0;
      onBlock?.(reader.position - start, type === BLOCK.COMPRESSED ? ZSTD_BLOCK_BYTES_MAX : size);
    }
    if (descriptor & DESCRIPTOR.CHECKSUM) reader.skip(4);
  });
}

/** 5 bits of exponent, 3 of mantissa. */
function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 0x7);
}

function contentSizeOf(reader: FrameReader, flag: number, single: boolean): number {
  if (flag === 0) return reader.uint(single ? 1 : 0);
  // Two bytes begin to count where one byte ends.
  return flag === 1 ? reader.uint(2) + 256 : reader.uint(2 ** flag);
}
