import type { Compressor } from './compressor.js';
import { lz4Compressor } from './lz4.js';
import { zlibCompressor } from './zlib.js';
import { zstdCompressor } from './zstd.js';

/** Every compressor that comes with the package. Those of optional packages load them at their first use. */
export const builtInCompressors: readonly Compressor[] = [zlibCompressor, lz4Compressor, zstdCompressor];
