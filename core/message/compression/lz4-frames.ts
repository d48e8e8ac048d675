import { decompressFailed, tooLarge } from './decompress-failed.js';
import { FrameReader } from './frame-reader.js';

/**
 * One LZ4 frame, numbers little-endian:
 *
 *     magic 04 22 4D 18 | FLG 1 | BD 1 | content size 8, if FLG bit 3 | dictionary id 4, if FLG bit 0 | header checksum 1
 *     blocks: size 4 (top bit: not compressed) | data | checksum 4, if FLG bit 4 …
 *     end mark 00 00 00 00 | content checksum 4, if FLG bit 2
 *
 * FLG bits 7-6 are the version, 01; bit 5: blocks are independent, the only kind that Java reads. BD bits 6-4: 4 to 7 for
 * blocks of 64 KiB, 256 KiB, 1 MiB, 4 MiB. Frames follow one another, which Java's LZ4FrameInputStream reads; the
 * libraries for Node stop after the first, and do not mind what breaks off.
 */
const MAGIC = 0x184d2204;
const FLG = { VERSION_MASK: 0xc0, VERSION: 0x40, BLOCK_CHECKSUM: 0x10, SIZE: 0x08, CHECKSUM: 0x04, DICTIONARY: 0x01 };
const UNCOMPRESSED = 0x8000_0000;

/** Told of each block: where its data lies, what it can hold at most, and whether it is compressed; else that is exact. */
type OnBlock = (start: number, end: number, holdsMax: number, compressed: boolean) => void;

/**
 * The frames of a body, at least one. Makes sure that what they hold is not larger than `sizeBytesMax` without
 * decompressing anything: from what their blocks can hold at most, and where that is too much, from the lengths that are
 * written in the blocks.
 * @throws RMQ_DECOMPRESS_FAILED
 */
export function findLz4Frames(body: Buffer, sizeBytesMax: number): readonly Buffer[] {
  let atMost = 0;
  const frames = readFrames(body, sizeBytesMax, (_start, _end, holdsMax) => {
    atMost += holdsMax;
  });
  if (atMost <= sizeBytesMax) return frames;
  let size = 0;
  return readFrames(body, sizeBytesMax, (start, end, holdsMax, compressed) => {
    size += compressed ? decompressedSize(body, start, end) : holdsMax;
    if (size > sizeBytesMax) throw tooLarge(body.length, sizeBytesMax);
  });
}

function readFrames(body: Buffer, sizeBytesMax: number, onBlock: OnBlock): readonly Buffer[] {
  const reader = new FrameReader(body, 'LZ4');
  return reader.frames(MAGIC, () => {
    const flags = reader.uint(1);
    const blockSize = (reader.uint(1) >> 4) & 0x7;
    if ((flags & FLG.VERSION_MASK) !== FLG.VERSION || blockSize < 4) throw reader.failed('has an unknown kind of');
    if (flags & FLG.SIZE && reader.uint(8) > sizeBytesMax) throw tooLarge(body.length, sizeBytesMax);
    if (flags & FLG.DICTIONARY) throw decompressFailed(body.length, 'needs a dictionary');
    reader.skip(1);
    readBlocks(reader, flags, 1 << (8 + 2 * blockSize), onBlock);
    if (flags & FLG.CHECKSUM) reader.skip(4);
  });
}

function readBlocks(reader: FrameReader, flags: number, blockBytesMax: number, onBlock: OnBlock): void {
  for (;;) {
    const header = reader.uint(4);
    if (header === 0) return;
    const compressed = header < UNCOMPRESSED;
    const size = compressed ? header : header - UNCOMPRESSED;
    const start = reader.position;
    reader.skip(size);
    onBlock(start, reader.position, compressed ? blockBytesMax : size, compressed);
    if (flags & FLG.BLOCK_CHECKSUM) reader.skip(4);
  }
}

/**
 * What a compressed block holds, by the lengths of its sequences: token (literals in the upper, match in the lower 4 bits,
 * 15: more bytes follow) | literals | offset 2 | … The last sequence has literals only, and matches are 4 bytes longer than
 * written.
 */
function decompressedSize(body: Buffer, start: number, end: number): number {
  let position = start;
  let size = 0;
  const length = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let sum = 15;
    let byte: number;
    do {
      byte = position < end ? body[position++]! : 0;
      sum += byte;
    } while (byte === 255);
    return sum;
  };
  while (position < end) {
    const token = body[position++]!;
    const literals = length(token >> 4);
    position += literals;
    size += literals;
    if (position >= end) break;
    position += 2;
    size += length(token & 0xf) + 4;
  }
  return size;
}
