import { deflate, deflateSync, inflate, inflateSync } from 'node:zlib';
import { SysFlag } from '../sys-flag.js';
import { COMPRESSION_LEVEL_DEFAULT, type Compressor } from './compressor.js';
import { decompressFailed, tooLarge } from './decompress-failed.js';

/** Bodies beyond this are worked on by the thread pool: below, handing them over costs more than the work. */
export const ASYNC_BYTES_MIN = 64 * 1024;

/** Deflate with zlib's header (0x78): what every RocketMQ client of any age reads. */
export const zlibCompressor: Compressor = {
  type: 'ZLIB',
  sysFlagBits: SysFlag.COMPRESSION_ZLIB,

  compress(body, level = COMPRESSION_LEVEL_DEFAULT) {
    if (body.length <= ASYNC_BYTES_MIN) return deflateSync(body, { level });
    return new Promise((resolve, reject) => {
      deflate(body, { level }, (error, compressed) => (error === null ? resolve(compressed) : reject(error)));
    });
  },

  decompress(body, sizeBytesMax) {
    const options = { maxOutputLength: Math.max(sizeBytesMax, 1) };
    if (body.length <= ASYNC_BYTES_MIN) {
      try {
        return inflateSync(body, options);
      } catch (error) {
        throw failed(body, sizeBytesMax, error);
      }
    }
    return new Promise((resolve, reject) => {
      inflate(body, options, (error, plain) =>
        error === null ? resolve(plain) : reject(failed(body, sizeBytesMax, error)),
      );
    });
  },
};

function failed(body: Uint8Array, sizeBytesMax: number, cause: unknown) {
  return (cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    ? tooLarge(body.length, sizeBytesMax, cause)
    : decompressFailed(body.length, 'cannot be decompressed with zlib', cause);
}
