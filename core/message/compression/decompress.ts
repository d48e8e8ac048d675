import { rocketMQError } from '../../errors/rocketmq-error.js';
import { SysFlag } from '../sys-flag.js';
import { builtInCompressors } from './built-in.js';
import type { CompressionType, Compressor } from './compressor.js';

/** What a body may grow to when it is decompressed, unless told otherwise. */
export const DECOMPRESSED_BYTES_MAX = 16 * 1024 * 1024;

const LZ4_MAGIC = 0x04224d18;
const ZSTD_MAGIC = 0x28b52ffd;

/**
 * The codec of a compressed body: the one that sysFlag names. Type 0 comes from clients that knew zlib only; a body that
 * begins as an LZ4 or zstd frame is read as that all the same.
 */
export function compressionTypeOf(body: Uint8Array, sysFlag: number): CompressionType {
  switch (sysFlag & SysFlag.COMPRESSION_MASK) {
    case SysFlag.COMPRESSION_LZ4:
      return 'LZ4';
    case SysFlag.COMPRESSION_ZSTD:
      return 'ZSTD';
    case SysFlag.COMPRESSION_LEGACY:
      return typeByMagic(body);
    default:
      return 'ZLIB';
  }
}

function typeByMagic(body: Uint8Array): CompressionType {
  if (body.length < 4) return 'ZLIB';
  const magic = (body[0]! << 24) | (body[1]! << 16) | (body[2]! << 8) | body[3]!;
  if (magic === LZ4_MAGIC) return 'LZ4';
  return magic === ZSTD_MAGIC ? 'ZSTD' : 'ZLIB';
}

/**
 * Decompresses the body of a message whose sysFlag says that it is compressed, with the one of `compressors` that can.
 * @throws RMQ_CODEC_MISSING when none can
 * @throws RMQ_DECOMPRESS_FAILED when the body is damaged, or larger than `sizeBytesMax` (default 16 MiB)
 */
export function decompressBody(
  body: Uint8Array,
  sysFlag: number,
  compressors: readonly Compressor[] = builtInCompressors,
  sizeBytesMax: number = DECOMPRESSED_BYTES_MAX,
): Buffer | Promise<Buffer> {
  const type = compressionTypeOf(body, sysFlag);
  const compressor = compressors.find((one) => one.type === type);
  if (compressor === undefined) {
    throw rocketMQError('RMQ_CODEC_MISSING', `A body is compressed with ${type}, for which there is no compressor`, {
      codec: type,
    });
  }
  return compressor.decompress(body, sizeBytesMax);
}
