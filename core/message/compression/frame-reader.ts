import { decompressFailed } from './decompress-failed.js';

/** Frames that one body may consist of: writers make one, and a body of empty ones would cost time without end. */
const FRAMES_MAX = 1_024;

/** Frames that readers of LZ4 and zstd pass over: `5x 2A 4D 18 | size 4 | data`. */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** Reads little-endian numbers one after another. @throws RMQ_DECOMPRESS_FAILED when the body ends before them */
export class FrameReader {
  readonly body: Buffer;
  readonly #format: string;
  position = 0;

  constructor(body: Buffer, format: string) {
    this.body = body;
    this.#format = format;
  }

  skip(count: number): void {
    if (count > this.body.length - this.position) throw this.failed('breaks off in the middle of');
    this.position += count;
  }

  /** Of 0 to 8 bytes; beyond 2^53 it is rounded. */
  uint(bytes: number): number {
    const at = this.position;
    this.skip(bytes);
    if (bytes === 0) return 0;
    return bytes <= 6 ? this.body.readUIntLE(at, bytes) : Number(this.body.readBigUInt64LE(at));
  }

  /** Calls `readFrame` behind each `magic`, up to the body's end, and returns the frames. */
  frames(magic: number, readFrame: () => void): readonly Buffer[] {
    const frames: Buffer[] = [];
    for (let count = 1; this.position < this.body.length; count++) {
      if (count > FRAMES_MAX) throw this.failed(`has more than ${FRAMES_MAX} times`);
      const start = this.position;
      const found = this.uint(4);
      if ((found & 0xffff_fff0) === SKIPPABLE_MAGIC) {
        this.skip(this.uint(4));
        continue;
      }
      if (found !== magic) throw this.failed('is something else than');
      readFrame();
      frames.push(this.body.subarray(start, this.position));
    }
    if (frames.length === 0) throw this.failed('is empty, without');
    return frames;
  }

  failed(what: string): Error {
    return decompressFailed(this.body.length, `${what} a frame of ${this.#format}`);
  }
}
