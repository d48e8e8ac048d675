import * as zlib from 'node:zlib';
import { SysFlag } from '../sys-flag.js';
import type { Compressor } from './compressor.js';
import { decompressFailed, tooLarge } from './decompress-failed.js';
import { nodeZstd } from './node-zstd.js';
import { OptionalCodec } from './optional-codec.js';
import { createWasmZstd } from './wasm-zstd.js';
import type { Decompressed, ZstdEngine } from './zstd-engine.js';
import { findZstdFrames, ZSTD_WINDOW_BYTES_MIN } from './zstd-frames.js';

/** zstd frames, with the engine that `load` brings, or with `present` when the runtime has one. */
export function createZstdCompressor(load: () => Promise<ZstdEngine>, present?: ZstdEngine): Compressor {
  const optional = new OptionalCodec('ZSTD', 'zstd-codec', load);
  const engineNow = (): ZstdEngine | undefined => present ?? optional.now;
  return {
    type: 'ZSTD',
    sysFlagBits: SysFlag.COMPRESSION_ZSTD,

    load: async () => {
      if (present === undefined) await optional.get();
    },

    compress(body, level) {
      const bytes = asBuffer(body);
      return engineNow()?.compress(bytes, level) ?? optional.get().then((engine) => engine.compress(bytes, level));
    },

    decompress(body, sizeBytesMax) {
      const bytes = asBuffer(body);
      const engine = engineNow();
      if (engine !== undefined) return decompressAll(engine, bytes, sizeBytesMax);
      return optional.get().then((loaded) => decompressAll(loaded, bytes, sizeBytesMax));
    },
  };
}

/** With Node's own zstd where it has one (22.15 and later), else with zstd-codec, which is WebAssembly. */
export const zstdCompressor: Compressor = createZstdCompressor(createWasmZstd, nodeZstd(zlib));

function decompressAll(engine: ZstdEngine, body: Buffer, sizeBytesMax: number): Buffer | Promise<Buffer> {
  const windowBytesMax = Math.min(engine.windowBytesMax, Math.max(sizeBytesMax, ZSTD_WINDOW_BYTES_MIN));
  const frames = findZstdFrames(body, sizeBytesMax, windowBytesMax);
  const parts: Buffer[] = [];
  let left = sizeBytesMax;
  const keep = (part: Decompressed): void => {
    if (part === 'too large') throw tooLarge(body.length, sizeBytesMax);
    left -= part.length;
    parts.push(part);
  };
  for (const [index, frame] of frames.entries()) {
    const part = decompressOne(engine, body, frame, left);
    if (part instanceof Promise) return theRest(part, index + 1);
    keep(part);
  }
  return joined(parts);

  async function theRest(first: Promise<Decompressed>, next: number): Promise<Buffer> {
    keep(await first);
    for (const frame of frames.slice(next)) keep(await decompressOne(engine, body, frame, left));
    return joined(parts);
  }
}

function decompressOne(
  engine: ZstdEngine,
  body: Buffer,
  frame: Buffer,
  left: number,
): Decompressed | Promise<Decompressed> {
  const failed = (cause: unknown): never => {
    throw decompressFailed(body.length, 'cannot be decompressed with zstd', cause);
  };
  try {
    const part = engine.decompress(frame, left);
    return part instanceof Promise ? part.catch(failed) : part;
  } catch (error) {
    return failed(error);
  }
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function asBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
