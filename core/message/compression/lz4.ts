import { SysFlag } from '../sys-flag.js';
import type { Compressor } from './compressor.js';
import { decompressFailed, tooLarge } from './decompress-failed.js';
import { findLz4Frames } from './lz4-frames.js';
import { OptionalCodec } from './optional-codec.js';
import { ASYNC_BYTES_MIN } from './zlib.js';

/** What we use of lz4-napi. */
export interface Lz4Library {
  compressFrameSync(body: Buffer): Buffer;
  compressFrame(body: Buffer): Promise<Buffer>;
  decompressFrameSync(frame: Buffer): Buffer;
  decompressFrame(frame: Buffer): Promise<Buffer>;
}

/**
 * LZ4 in its frame format, blocks independent of each other as Java needs them. There is one level: `level` is ignored, by
 * Java as well. `load` brings the library.
 */
export function createLz4Compressor(load: () => Promise<Lz4Library>): Compressor {
  const library = new OptionalCodec('LZ4', 'lz4-napi', load);
  return {
    type: 'LZ4',
    sysFlagBits: SysFlag.COMPRESSION_LZ4,

    load: async () => void (await library.get()),

    compress(body) {
      const bytes = asBuffer(body);
      if (library.now !== undefined && bytes.length <= ASYNC_BYTES_MIN) return library.now.compressFrameSync(bytes);
      return library.get().then((lz4) => lz4.compressFrame(bytes));
    },

    decompress(body, sizeBytesMax) {
      const bytes = asBuffer(body);
      const frames = findLz4Frames(bytes, sizeBytesMax);
      const lz4 = library.now;
      if (lz4 === undefined || bytes.length > ASYNC_BYTES_MIN) {
        return library.get().then((loaded) => decompressAll(loaded, bytes, frames, sizeBytesMax));
      }
      try {
        return joined(
          frames.map((frame) => lz4.decompressFrameSync(frame)),
          bytes,
          sizeBytesMax,
        );
      } catch (error) {
        throw damaged(bytes, error);
      }
    },
  };
}

/** With lz4-napi, which comes compiled for the usual machines. */
export const lz4Compressor: Compressor = createLz4Compressor(async () => {
  const loaded = await import('lz4-napi');
  return loaded.default ?? loaded;
});

async function decompressAll(
  lz4: Lz4Library,
  body: Buffer,
  frames: readonly Buffer[],
  sizeBytesMax: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for (const frame of frames) parts.push(await lz4.decompressFrame(frame));
  } catch (error) {
    throw damaged(body, error);
  }
  return joined(parts, body, sizeBytesMax);
}

function joined(parts: readonly Buffer[], body: Buffer, sizeBytesMax: number): Buffer {
  const plain = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  if (plain.length > sizeBytesMax) throw tooLarge(body.length, sizeBytesMax);
  return plain;
}

function damaged(body: Buffer, cause: unknown): Error {
  return decompressFailed(body.length, 'cannot be decompressed with LZ4', cause);
}

function asBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
