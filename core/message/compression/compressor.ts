import { type Token, token } from '../../runtime/token.js';

/** Names of the codecs that a message's sysFlag can name. Matches Apache's CompressionType. */
export type CompressionType = 'LZ4' | 'ZSTD' | 'ZLIB';

/** Compresses the bodies of messages and reads them back. */
export interface Compressor {
  readonly type: CompressionType;
  /** The bits of sysFlag that name it, SysFlag.COMPRESSED apart. */
  readonly sysFlagBits: number;
  /** At once for a body that is small, by promise for one that would hold the event loop. `level` is 1 to 9. */
  compress(body: Uint8Array, level: number): Buffer | Promise<Buffer>;
  /**
   * Gives up beyond `sizeBytesMax`, before the memory for more is taken.
   * @throws RMQ_DECOMPRESS_FAILED when the body is damaged or larger
   */
  decompress(body: Uint8Array, sizeBytesMax: number): Buffer | Promise<Buffer>;
}

/** The compressor that a producer writes with. */
export const Compressor: Token<Compressor> = token('Compressor');

/** Level that Apache's clients use. */
export const COMPRESSION_LEVEL_DEFAULT = 5;
