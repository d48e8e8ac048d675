import { writeInt16, writeInt32 } from '../../runtime/big-endian.js';
import { FrameMemory, type FramePlace } from './frame-memory.js';

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
 * Writes frames one behind the other into memory that they share, header piece by piece, so that a frame costs no object
 * and a write of many is one buffer. One writer serves one frame at a time: `begin`, writes, `end`.
 */
export class HeaderWriter {
  #memory = new FrameMemory(0);
  #chunk = this.#memory.bytes;
  #start = 0;
  #position = 0;

  begin(): void {
    if (this.#memory.retired || this.#memory.isLarge) this.#useMemory(new FrameMemory(0));
    else if (this.#memory.holders === 0) this.#memory.used = 0;
    this.#start = this.#memory.used;
    this.#position = this.#start;
  }

  /** Bytes since `begin`. */
  get length(): number {
    return this.#position - this.#start;
  }

  /** Copies the body behind the header, when there is one, and tells where the frame lies, which is held from now on. */
  end(place: FramePlace, body: Uint8Array | undefined): void {
    if (body !== undefined) {
      this.#reserve(body.length);
      this.#chunk.set(body, this.#position);
      this.#position += body.length;
    }
    const memory = this.#memory;
    memory.used = this.#position;
    memory.holders++;
    place.memory = memory;
    place.start = this.#start;
    place.end = this.#position;
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
    if (this.#position + bytes > this.#chunk.length) this.#moveOn((this.length + bytes) * 2);
  }

  /** Goes on in other memory, with what there is of the frame. */
  #moveOn(bytesMin: number): void {
    const begun = this.#chunk.subarray(this.#start, this.#position);
    this.#useMemory(new FrameMemory(bytesMin));
    this.#chunk.set(begun);
    this.#start = 0;
    this.#position = begun.length;
  }

  #useMemory(memory: FrameMemory): void {
    this.#memory = memory;
    this.#chunk = memory.bytes;
  }
}
