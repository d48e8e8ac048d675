import { type RocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { readInt32 } from '../../runtime/big-endian.js';
import { checkHeaderWord, decodeFrame } from './received-command.js';
import type { RemotingCommand } from './remoting-command.js';

/** Largest frame that Apache's decoder takes, length field included. */
export const FRAME_SIZE_BYTES_MAX = 16 * 1024 * 1024;

const WORD_BYTES = 4;
/** Length field and header word: enough to refuse what cannot become a frame. */
const PREFIX_BYTES = 8;
const ASSEMBLY_BYTES_MIN = 64 * 1024;

export interface FrameDecoderOptions {
  /** Largest frame, length field included. Default 16 MiB. */
  readonly frameSizeBytesMax?: number;
  /** Told of every whole frame, in order. Its body and fields are views into the chunk that was pushed. */
  readonly onCommand: (command: RemotingCommand) => void;
}

/**
 * Cuts a byte stream into commands, however the stream is cut into chunks. A frame that lies whole in a chunk is not
 * copied; one that spans chunks is gathered in memory that grows with what has arrived, never with what its length field
 * promises. Matches Apache's NettyDecoder.
 */
export class FrameDecoder {
  readonly #frameSizeBytesMax: number;
  readonly #onCommand: (command: RemotingCommand) => void;
  /** The beginning of a frame whose rest has not arrived; `#gathered` bytes of it are filled. */
  #assembly: Buffer | undefined;
  #gathered = 0;
  #stopped = false;

  constructor(options: FrameDecoderOptions) {
    this.#frameSizeBytesMax = options.frameSizeBytesMax ?? FRAME_SIZE_BYTES_MAX;
    this.#onCommand = options.onCommand;
  }

  /**
   * Takes the next bytes of the stream and reports every frame that they complete. The decoder keeps views into `chunk`.
   * @throws RMQ_FRAME_INVALID for bytes that are no frame, and what `onCommand` throws; the decoder takes nothing more then
   */
  push(chunk: Buffer): void {
    if (this.#stopped) return;
    try {
      let position = this.#gathered === 0 ? 0 : this.#complete(chunk);
      while (!this.#stopped && position < chunk.length) {
        const size = this.#frameSize(chunk, position, chunk.length);
        if (size === undefined || position + size > chunk.length) {
          this.#append(chunk, position, chunk.length, size ?? PREFIX_BYTES);
          return;
        }
        const frame = position;
        position += size;
        this.#onCommand(decodeFrame(chunk, frame, size));
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Takes nothing more and reports nothing more, also of the chunk that is being read: for a connection that closes. */
  stop(): void {
    this.#stopped = true;
    this.#assembly = undefined;
    this.#gathered = 0;
  }

  /** Bytes of a frame that is not whole yet. */
  get bufferedBytes(): number {
    return this.#gathered;
  }

  /** Adds from `chunk` to the frame being gathered; returns how many bytes of the chunk belong to it. */
  #complete(chunk: Buffer): number {
    let taken = 0;
    if (this.#gathered < PREFIX_BYTES) {
      taken = Math.min(PREFIX_BYTES - this.#gathered, chunk.length);
      this.#append(chunk, 0, taken, PREFIX_BYTES);
    }
    const size = this.#frameSize(this.#assembly!, 0, this.#gathered);
    if (size === undefined) return taken;
    const missing = Math.min(size - this.#gathered, chunk.length - taken);
    this.#append(chunk, taken, taken + missing, size);
    taken += missing;
    if (this.#gathered < size) return taken;
    const frame = this.#assembly!;
    this.#assembly = undefined;
    this.#gathered = 0;
    this.#onCommand(decodeFrame(frame, 0, size));
    return taken;
  }

  /** Adds a part of `chunk` to the frame being gathered, which is `sizeMax` bytes at most as far as is known. */
  #append(chunk: Buffer, from: number, to: number, sizeMax: number): void {
    const needed = this.#gathered + to - from;
    let assembly = this.#assembly;
    if (assembly === undefined || assembly.length < needed) {
      // Twice what has arrived, so that many small chunks cost little; a small frame at once as a whole.
      const grown = Buffer.allocUnsafeSlow(Math.min(sizeMax, Math.max(needed * 2, ASSEMBLY_BYTES_MIN)));
      assembly?.copy(grown, 0, 0, this.#gathered);
      assembly = grown;
      this.#assembly = grown;
    }
    chunk.copy(assembly, this.#gathered, from, to);
    this.#gathered = needed;
  }

  /** Size of the frame that begins at `position`, length field included; undefined while too little of it is there. */
  #frameSize(bytes: Buffer, position: number, end: number): number | undefined {
    if (end - position < WORD_BYTES) return undefined;
    const length = readInt32(bytes, position);
    if (length < WORD_BYTES || length + WORD_BYTES > this.#frameSizeBytesMax) {
      throw invalidFrame(`a length of ${length} is outside ${WORD_BYTES}..${this.#frameSizeBytesMax - WORD_BYTES}`);
    }
    if (end - position < PREFIX_BYTES) return undefined;
    checkHeaderWord(readInt32(bytes, position + WORD_BYTES), length);
    return length + WORD_BYTES;
  }
}

function invalidFrame(what: string): RocketMQError {
  return rocketMQError('RMQ_FRAME_INVALID', `No remoting frame: ${what}`, {});
}
