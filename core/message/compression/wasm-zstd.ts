import type { ZstdEngine } from './zstd-engine.js';
import { findZstdFrames, ZSTD_BLOCK_BYTES_MAX, ZSTD_WINDOW_BYTES_MIN } from './zstd-frames.js';

type OnOutput = (output: Uint8Array) => void;

interface Disposable {
  delete(): void;
}

interface Stream extends Disposable {
  transform(input: Uint8Array, onOutput: OnOutput): boolean;
  end(onOutput: OnOutput): boolean;
}

interface Vector extends Disposable {
  resize(length: number, fill: number): void;
}

/** What zstd-codec compiled to WebAssembly offers. What it hands out are views of its memory, which it uses again. */
export interface ZstdBinding {
  readonly ZstdCodec: new () => {
    compressBound(length: number): number;
    /** The compressed length, or less than 0. */
    compress(target: Vector, source: Vector, level: number): number;
  };
  readonly VectorU8: new () => Vector;
  readonly ZstdCompressStreamBinding: new () => Stream & { begin(level: number): boolean };
  readonly ZstdDecompressStreamBinding: new () => Stream & { begin(): boolean };
  cloneToVector(vector: Vector, bytes: Uint8Array): void;
  cloneAsTypedArray(vector: Vector): Uint8Array;
}

/**
 * Its memory is 16 MiB once and for all, and asking for more breaks it. So a body is compressed in one go only where that
 * is sure to fit, and faster; else by pieces.
 */
const ONE_GO_BYTES_MAX = 256 * 1024;
const PIECE_BYTES = 64 * 1024;

/** Loads zstd-codec; its WebAssembly is compiled on the spot, which takes some 100 ms once. */
export async function createWasmZstd(): Promise<ZstdEngine> {
  const loaded = await import('zstd-codec/lib/module.js');
  const { run } = 'default' in loaded ? (loaded.default as typeof loaded) : loaded;
  return new Promise((resolve) => run((binding) => resolve(wasmZstd(binding))));
}

function wasmZstd(binding: ZstdBinding): ZstdEngine {
  const codec = new binding.ZstdCodec();

  const compressInOneGo = (body: Buffer, level: number): Buffer => {
    const source = new binding.VectorU8();
    const target = new binding.VectorU8();
    try {
      binding.cloneToVector(source, body);
      target.resize(codec.compressBound(body.length), 0);
      const length = codec.compress(target, source, level);
      if (length < 0) throw new Error('zstd-codec could not compress');
      target.resize(length, 0);
      return Buffer.from(binding.cloneAsTypedArray(target));
    } finally {
      source.delete();
      target.delete();
    }
  };

  const compressByPieces = (body: Buffer, level: number): Buffer => {
    const stream = new binding.ZstdCompressStreamBinding();
    const output: Buffer[] = [];
    const keep: OnOutput = (bytes) => void output.push(Buffer.from(bytes));
    try {
      let well = stream.begin(level);
      for (let start = 0; well && start < body.length; start += PIECE_BYTES) {
        well = stream.transform(body.subarray(start, start + PIECE_BYTES), keep);
      }
      if (!well || !stream.end(keep)) throw new Error('zstd-codec could not compress');
      return Buffer.concat(output);
    } finally {
      stream.delete();
    }
  };

  return {
    windowBytesMax: ZSTD_WINDOW_BYTES_MIN,

    compress: (body, level) =>
      body.length <= ONE_GO_BYTES_MAX ? compressInOneGo(body, level) : compressByPieces(body, level),

    decompress(frame, sizeBytesMax) {
      const stream = new binding.ZstdDecompressStreamBinding();
      const output: Buffer[] = [];
      let size = 0;
      // It must not throw: what the binding holds at that moment would never be freed.
      const keep: OnOutput = (bytes) => {
        size += bytes.length;
        if (size <= sizeBytesMax) output.push(Buffer.from(bytes));
      };
      try {
        let well = stream.begin();
        for (const piece of piecesOf(frame)) {
          well &&= stream.transform(piece, keep);
          if (!well) throw new Error('zstd-codec found the frame damaged');
          if (size > sizeBytesMax) return 'too large';
        }
        return Buffer.concat(output);
      } finally {
        stream.delete();
      }
    },
  };
}

/**
 * A frame cut between blocks, so that a piece is not long and holds less than two blocks can: what came out is looked at
 * after each.
 */
function piecesOf(frame: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  let holdsMax = 0;
  findZstdFrames(frame, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, (end, blockHoldsMax) => {
    holdsMax += blockHoldsMax;
    if (end - start < PIECE_BYTES && holdsMax < ZSTD_BLOCK_BYTES_MAX) return;
    pieces.push(frame.subarray(start, end));
    start = end;
    holdsMax = 0;
  });
  pieces.push(frame.subarray(start));
  return pieces;
}
