import { ASYNC_BYTES_MIN } from './zlib.js';
import type { Decompressed, ZstdEngine } from './zstd-engine.js';

type Done = (error: Error | null, result: Buffer) => void;
interface ZstdOptions {
  readonly params?: Readonly<Record<number, number>>;
  readonly maxOutputLength?: number;
}

/** What Node's zlib has from 22.15 on. */
interface WithZstd {
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
  zstdCompressSync(body: Buffer, options: ZstdOptions): Buffer;
  zstdDecompressSync(body: Buffer, options: ZstdOptions): Buffer;
  zstdCompress(body: Buffer, options: ZstdOptions, done: Done): void;
  zstdDecompress(body: Buffer, options: ZstdOptions, done: Done): void;
}

/** Node's own zstd, from its `node:zlib`; undefined when that has none. */
export function nodeZstd(zlib: object): ZstdEngine | undefined {
  if (!('zstdCompressSync' in zlib)) return undefined;
  const node = zlib as WithZstd;
  const optionsFor = (level: number): ZstdOptions => ({ params: { [node.constants.ZSTD_c_compressionLevel]: level } });
  return {
    windowBytesMax: 128 * 1024 * 1024,

    compress(body, level) {
      if (body.length <= ASYNC_BYTES_MIN) return node.zstdCompressSync(body, optionsFor(level));
      return new Promise((resolve, reject) => {
        node.zstdCompress(body, optionsFor(level), (error, compressed) =>
          error === null ? resolve(compressed) : reject(error),
        );
      });
    },

    decompress(frame, sizeBytesMax) {
      // Node allows no limit of 0; a frame of one byte more is found out by its length.
      const options = { maxOutputLength: Math.max(sizeBytesMax, 1) };
      const checked = (plain: Buffer): Decompressed => (plain.length > sizeBytesMax ? 'too large' : plain);
      if (frame.length <= ASYNC_BYTES_MIN) {
        try {
          return checked(node.zstdDecompressSync(frame, options));
        } catch (error) {
          if (isTooLarge(error)) return 'too large';
          throw error;
        }
      }
      return new Promise((resolve, reject) => {
        node.zstdDecompress(frame, options, (error, plain) => {
          if (error === null) resolve(checked(plain));
          else if (isTooLarge(error)) resolve('too large');
          else reject(error);
        });
      });
    },
  };
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
}
