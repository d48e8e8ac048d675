import { type Token, token } from '../../runtime/token.js';

/** Names of the codecs that a message's sysFlag can name. Matches Apache's CompressionType. */
export type CompressionType = 'LZ4' | 'ZSTD' | 'ZLIB';

/** The same, as options spell it. */
export type CompressionName = Lowercase<CompressionType>;

/** Compresses the bodies of messages and reads them back. */
export interface Compressor {
  readonly type: CompressionType;
  /** The bits of sysFlag that name it, SysFlag.COMPRESSED apart. */
  readonly sysFlagBits: number;
  /**
   * Loads what it needs beforehand, so that small bodies are worked on at once from the first one on. Otherwise the first
   * use does, by promise.
   * @throws RMQ_CODEC_MISSING when an optional package is not installed
   */
  load?(): Promise<void>;
  /**
   * At once for a body that is small, by promise for one that would hold the event loop. `level` is 1 to 9.
   * @throws RMQ_CODEC_MISSING, also by its promise
   */
  compress(body: Uint8Array, level: number): Buffer | Promise<Buffer>;
  /**
   * Gives up beyond `sizeBytesMax`, before the memory for more is taken.
   * @throws RMQ_DECOMPRESS_FAILED when the body is damaged or larger, and RMQ_CODEC_MISSING, both also by its promise
   */
  decompress(body: Uint8Array, sizeBytesMax: number): Buffer | Promise<Buffer>;
}

/** The compressor that a producer writes with. */
export const Compressor: Token<Compressor> = token('Compressor');

/** The compressors that consumers read with, and from which a producer's `compression` chooses; the first of a type counts. */
export const Compressors: Token<readonly Compressor[]> = token('Compressors');

/** Level that Apache's clients use. */
export const COMPRESSION_LEVEL_DEFAULT = 5;
