import { writeInt16, writeInt32 } from '../../runtime/big-endian.js';

const CHUNK_BYTES = 64 * 1024;
/** Up to here a loop over characters beats the call into native code. */
const LOOP_CHARS_MAX = 24;
const LOOP_JSON_CHARS_MAX = 160;
/** A sign and sixteen digits. */
const DECIMAL_CHARS_MAX = 17;
const BILLION = 1_000_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/**
 * Appends the pieces of a frame's header to a chunk of memory that many frames share, so that a frame costs one view and
 * no copy. One writer serves one frame at a time: `begin`, writes, `end`.
 */
export class HeaderWriter {
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #start = 0;
  #position = 0;

  begin(): void {
    this.#start = this.#position;
  }

  /** Bytes since `begin`. */
  get length(): number {
    return this.#position - this.#start;
  }

  /** The frame; its bytes are never written again. */
  end(): Buffer {
    const frame = this.#chunk.subarray(this.#start, this.#position);
    this.#start = this.#position;
    if (this.#chunk.length > CHUNK_BYTES) this.#replaceChunk(CHUNK_BYTES);
    return frame;
  }

  /** Gives up the frame that was begun. */
  abandon(): void {
    this.#position = this.#start;
  }

  /** Leaves room for bytes that are known later; returns where, counted from `begin`. */
  skip(bytes: number): number {
    this.#reserve(bytes);
    const at = this.length;
    this.#position += bytes;
    return at;
  }

  patchInt16(at: number, value: number): void {
    writeInt16(this.#chunk, this.#start + at, value);
  }

  patchInt32(at: number, value: number): void {
    writeInt32(this.#chunk, this.#start + at, value);
  }

  int8(value: number): void {
    this.#reserve(1);
    this.#chunk[this.#position++] = value;
  }

  int16(value: number): void {
    this.patchInt16(this.skip(2), value);
  }

  int32(value: number): void {
    this.patchInt32(this.skip(4), value);
  }

  /** A string in UTF-8; a lone surrogate becomes U+FFFD. */
  utf8(text: string): void {
    const length = text.length;
    this.#reserve(length * 3);
    if (length <= LOOP_CHARS_MAX) {
      const chunk = this.#chunk;
      let position = this.#position;
      let index = 0;
      for (; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) break;
        chunk[position++] = unit;
      }
      if (index === length) {
        this.#position = position;
        return;
      }
    }
    this.#position += this.#chunk.write(text, this.#position);
  }

  /** Ready-made bytes, from one of them on; a few, for which a loop is the fastest way. */
  bytes(source: Uint8Array, from: number): void {
    const length = source.length;
    this.#reserve(length - from);
    const chunk = this.#chunk;
    let position = this.#position;
    for (let index = from; index < length; index++) chunk[position++] = source[index]!;
    this.#position = position;
  }

  /** A string in UTF-8 behind an i32 with its length. */
  sizedUtf8(text: string): void {
    this.#reserve(4 + text.length * 3);
    const at = this.#position;
    this.#position += 4;
    this.utf8(text);
    writeInt32(this.#chunk, at, this.#position - at - 4);
  }

  /** The digits of a whole number within 2^53 behind an i32 with how many they are. */
  sizedDecimal(value: number): void {
    this.#reserve(4 + DECIMAL_CHARS_MAX);
    const at = this.#position;
    this.#position += 4;
    this.decimal(value);
    writeInt32(this.#chunk, at, this.#position - at - 4);
  }

  /** Decimal digits of a whole number within 2^53. */
  decimal(value: number): void {
    this.#reserve(DECIMAL_CHARS_MAX);
    const chunk = this.#chunk;
    let rest = value;
    if (rest < 0) {
      chunk[this.#position++] = 0x2d;
      rest = -rest;
    }
    if (rest < BILLION) {
      this.#digits(rest, 1);
      return;
    }
    const high = Math.floor(rest / BILLION);
    this.#digits(high, 1);
    this.#digits(rest - high * BILLION, 9);
  }

  /** A JSON string with its quotes. */
  jsonString(text: string): void {
    const length = text.length;
    if (length > LOOP_JSON_CHARS_MAX) {
      this.utf8(JSON.stringify(text));
      return;
    }
    this.#reserve(length * 6 + 2);
    const chunk = this.#chunk;
    let position = this.#position;
    chunk[position++] = QUOTE;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x20 && unit < 0x80 && unit !== QUOTE && unit !== BACKSLASH) {
        chunk[position++] = unit;
      } else if (unit < 0x20) {
        // The separators of a properties string, 0x01 and 0x02, are in every send.
        chunk[position++] = BACKSLASH;
        chunk[position++] = 0x75;
        chunk[position++] = 0x30;
        chunk[position++] = 0x30;
        chunk[position++] = HEX_DIGITS[unit >> 4]!;
        chunk[position++] = HEX_DIGITS[unit & 15]!;
      } else if (unit < 0x80) {
        chunk[position++] = BACKSLASH;
        chunk[position++] = unit;
      } else {
        this.utf8(JSON.stringify(text));
        return;
      }
    }
    chunk[position++] = QUOTE;
    this.#position = position;
  }

  /** Writes a whole number below 2^31 with at least `width` digits. */
  #digits(value: number, width: number): void {
    let count = 1;
    for (let power = 10; value >= power; power *= 10) count++;
    if (count < width) count = width;
    const chunk = this.#chunk;
    let rest = value | 0;
    for (let position = this.#position + count - 1; position >= this.#position; position--) {
      const quotient = (rest / 10) | 0;
      chunk[position] = 0x30 + rest - quotient * 10;
      rest = quotient;
    }
    this.#position += count;
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes > this.#chunk.length) this.#replaceChunk((this.length + bytes) * 2);
  }

  #replaceChunk(bytes: number): void {
    const begun = this.#chunk.subarray(this.#start, this.#position);
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.#chunk.set(begun);
    this.#start = 0;
    this.#position = begun.length;
  }
}
