import { readInt32 } from '../../runtime/big-endian.js';
import { readFieldValue } from './binary-fields.js';
import { type FieldSource, missingField, parseInt32, parseInt64 } from './ext-fields.js';
import type { FieldLocator } from './remoting-command.js';

const NONE = new Uint8Array(0) as Buffer;
const ZERO = 0x30;
const MINUS = 0x2d;
/** So many digits are within 2^31, and so many within 2^53, whatever they are. */
const INT32_DIGITS = 9;
const INT64_DIGITS = 15;

/**
 * Reads chosen fields of a header, for what passes by once per message: those of a binary header are found in one walk
 * over its bytes, and numbers among them never become text; of a JSON header, and of commands that were made by hand, they
 * are looked up in `ext`. A field is named by its place in the list that the reader was made from, counted from 0.
 *
 * A reader holds one header at a time: whoever calls {@link open} has read what it needs before anybody else can. The
 * readers of fields follow the rules of ext-fields.ts.
 */
export class FieldReader implements FieldLocator {
  readonly #names: readonly string[];
  /** The names as bytes, and where they are by a hash of length, first and last byte; -1 for none. */
  readonly #nameBytes: readonly Uint8Array[];
  readonly #slots: Int8Array;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #command: FieldSource | undefined;
  #bytes: Buffer = NONE;
  #isBinary = false;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#nameBytes = names.map((name) => Buffer.from(name));
    this.#slots = new Int8Array(SLOTS).fill(-1);
    this.#starts = new Int32Array(names.length);
    this.#ends = new Int32Array(names.length);
    for (const [field, name] of this.#nameBytes.entries()) {
      let slot = slotOf(name, 0, name.length);
      while (this.#slots[slot] !== -1) slot = (slot + 1) & (SLOTS - 1);
      this.#slots[slot] = field;
    }
  }

  /** Begins to read the header of `command`. */
  open(command: FieldSource): this {
    this.#command = command;
    this.#isBinary = command.locateFields?.(this) ?? false;
    return this;
  }

  /** Told by the command where its fields lie; of a name that comes twice the last value stays. */
  locate(bytes: Buffer, start: number, end: number): void {
    const starts = this.#starts;
    const ends = this.#ends;
    this.#bytes = bytes;
    starts.fill(-1);
    let position = start;
    while (position < end) {
      const nameStart = position + 2;
      const nameLength = (bytes[position]! << 8) | bytes[position + 1]!;
      const valueStart = nameStart + nameLength + 4;
      position = valueStart + readInt32(bytes, valueStart - 4);
      const field = this.#fieldAt(bytes, nameStart, nameLength);
      if (field === -1) continue;
      starts[field] = valueStart;
      ends[field] = position;
    }
  }

  has(field: number): boolean {
    return this.#isBinary ? this.#starts[field] !== -1 : this.#command!.ext[this.#names[field]!] !== undefined;
  }

  /** @throws RMQ_BODY_INVALID when it is missing */
  require(field: number): void {
    if (!this.has(field)) missingField(this.#command!, this.#names[field]!);
  }

  /** Undefined when it is missing; may be empty. */
  text(field: number): string | undefined {
    if (!this.#isBinary) return this.#command!.ext[this.#names[field]!];
    const start = this.#starts[field]!;
    return start === -1 ? undefined : readFieldValue(this.#bytes, start, this.#ends[field]!);
  }

  /** @throws RMQ_BODY_INVALID when it is missing */
  requiredText(field: number): string {
    return this.text(field) ?? missingField(this.#command!, this.#names[field]!);
  }

  /** Undefined when it is missing or empty. */
  optionalText(field: number): string | undefined {
    const text = this.text(field);
    return text === '' ? undefined : text;
  }

  /** @throws RMQ_BODY_INVALID when it is missing or no int32 */
  requiredInt32(field: number): number {
    const value = this.#digits(field, INT32_DIGITS);
    return value === undefined ? parseInt32(this.#command!, this.#names[field]!, this.requiredText(field)) : value;
  }

  /** @throws RMQ_BODY_INVALID when it is there and no int32 */
  optionalInt32(field: number): number | undefined {
    const value = this.#digits(field, INT32_DIGITS);
    if (value !== undefined) return value;
    const text = this.optionalText(field);
    return text === undefined ? undefined : parseInt32(this.#command!, this.#names[field]!, text);
  }

  /** Exact to 2^53, beyond that the nearest double. @throws RMQ_BODY_INVALID when it is missing or no int64 */
  requiredInt64(field: number): number {
    const value = this.#digits(field, INT64_DIGITS);
    return value === undefined ? parseInt64(this.#command!, this.#names[field]!, this.requiredText(field)) : value;
  }

  /** The value of a number that is written plainly, straight from the bytes; undefined for all else. */
  #digits(field: number, digitsMax: number): number | undefined {
    if (!this.#isBinary) return undefined;
    let position = this.#starts[field]!;
    if (position === -1) return undefined;
    const bytes = this.#bytes;
    const end = this.#ends[field]!;
    const isNegative = bytes[position] === MINUS;
    if (isNegative) position++;
    if (position >= end || end - position > digitsMax) return undefined;
    let value = 0;
    for (; position < end; position++) {
      const digit = bytes[position]! - ZERO;
      if (digit < 0 || digit > 9) return undefined;
      value = value * 10 + digit;
    }
    return isNegative ? 0 - value : value;
  }

  #fieldAt(bytes: Buffer, start: number, length: number): number {
    if (length === 0) return -1;
    const slots = this.#slots;
    for (let slot = slotOf(bytes, start, length); ; slot = (slot + 1) & (SLOTS - 1)) {
      const field = slots[slot]!;
      if (field === -1) return -1;
      const name = this.#nameBytes[field]!;
      if (name.length === length && isAt(name, bytes, start)) return field;
    }
  }
}

/** Several times as many as fields that one reader is made for, so that a search soon meets an empty one. */
const SLOTS = 64;

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  return (length * 5 + bytes[start]! + bytes[start + length - 1]! * 3) & (SLOTS - 1);
}

function isAt(name: Uint8Array, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < name.length; index++) if (bytes[start + index] !== name[index]) return false;
  return true;
}
