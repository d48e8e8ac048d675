import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { DialectObject } from './json-dialect-object.js';
import { type Container, isReferenceTarget, type Reference, resolveReferences } from './json-dialect-reference.js';

/** Deepest nesting that is read and written; real bodies stay below 10. */
export const DIALECT_DEPTH_MAX = 128;

/** An int64 has at most 19 digits; longer ones are read as doubles, since a bigint of any length would cost its square. */
const BIGINT_DIGITS_MAX = 20;

/**
 * Reads a document of the dialect described in json-dialect.ts.
 * @throws RMQ_BODY_INVALID naming the position
 */
export function parseJsonDialect(source: string | Buffer): unknown {
  const parser = new DialectParser(typeof source === 'string' ? source : source.toString('utf8'));
  return parser.document();
}

class DialectParser {
  readonly #text: string;
  #position = 0;
  #references: Reference[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const root = this.#value(undefined, undefined, 0);
    this.#blanks();
    if (this.#position < this.#text.length) throw this.#unexpected('the end');
    if (this.#references !== undefined) resolveReferences(root, this.#references);
    return root;
  }

  /** Reads the value that goes to `slot` of `container`. */
  #value(container: Container | undefined, slot: unknown, depth: number): unknown {
    switch (this.#peek()) {
      case 0x22:
        return this.#string();
      case 0x7b: {
        const object = this.#object(container, depth + 1);
        if (container !== undefined) this.#noteReference(object, container, slot);
        return object;
      }
      case 0x5b:
        return this.#array(container, depth + 1);
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(parent: Container | undefined, depth: number): DialectObject | Map<unknown, unknown> {
    this.#open(depth);
    const object: DialectObject = Object.create(null);
    const container: ObjectContainer = { value: object, parent };
    if (this.#peek() === 0x7d) {
      this.#position++;
      return object;
    }
    for (;;) {
      const key = this.#key(container, depth);
      this.#expect(0x3a, "':'");
      if (typeof key === 'object' && !(container.value instanceof Map))
        container.value = new Map(Object.entries(object));
      const value = this.#value(container, key, depth);
      if (container.value instanceof Map) container.value.set(key, value);
      else object[key as string] = value;
      if (this.#closes(0x7d, "',' or '}'")) return container.value;
    }
  }

  #noteReference(object: DialectObject | Map<unknown, unknown>, container: Container, slot: unknown): void {
    if (object instanceof Map) return;
    const target = object.$ref;
    if (typeof target !== 'string' || !isReferenceTarget(target) || Object.keys(object).length !== 1) return;
    this.#references ??= [];
    this.#references.push({ placeholder: object, target, container, slot });
  }

  #key(container: Container, depth: number): unknown {
    const next = this.#peek();
    if (next === 0x22) return this.#string();
    if (next === 0x7b) return this.#object(container, depth + 1);
    const key = this.#number();
    if (typeof key === 'number' && !Number.isInteger(key)) throw this.#invalid('a key that is no integer');
    return String(key);
  }

  #array(parent: Container | undefined, depth: number): unknown[] {
    this.#open(depth);
    const array: unknown[] = [];
    if (this.#peek() === 0x5d) {
      this.#position++;
      return array;
    }
    const container: Container = { value: array, parent };
    for (;;) {
      array.push(this.#value(container, array.length, depth));
      if (this.#closes(0x5d, "',' or ']'")) return array;
    }
  }

  #open(depth: number): void {
    if (depth > DIALECT_DEPTH_MAX) throw this.#invalid(`more than ${DIALECT_DEPTH_MAX} levels`);
    this.#position++;
  }

  /** After a member or element: true at the closing character, false at a comma. */
  #closes(closing: number, expected: string): boolean {
    const next = this.#peek();
    if (next !== 0x2c && next !== closing) throw this.#unexpected(expected);
    this.#position++;
    return next === closing;
  }

  #string(): string {
    const text = this.#text;
    const start = ++this.#position;
    let from = start;
    let read = '';
    for (let position = start; position < text.length; position++) {
      const unit = text.charCodeAt(position);
      if (unit === 0x22) {
        this.#position = position + 1;
        return from === start ? text.slice(start, position) : read + text.slice(from, position);
      }
      if (unit !== 0x5c) continue;
      this.#position = position;
      read += text.slice(from, position) + this.#escape(text.charCodeAt(position + 1));
      from = this.#position;
      position = from - 1;
    }
    this.#position = text.length;
    throw this.#unexpected("'\"'");
  }

  #escape(unit: number): string {
    if (unit === 0x75) {
      const digits = this.#text.slice(this.#position + 2, this.#position + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#invalid('an escape without four hexadecimal digits');
      this.#position += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meant = ESCAPES.get(unit);
    if (meant === undefined) throw this.#invalid('an unknown escape');
    this.#position += 2;
    return meant;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#position;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw this.#unexpected('a value');
    const digits = match[0];
    this.#position += digits.length;
    const value = Number(digits);
    if (match[1] !== undefined || Number.isSafeInteger(value) || digits.length > BIGINT_DIGITS_MAX) return value;
    return BigInt(digits);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#position)) throw this.#unexpected('a value');
    this.#position += word.length;
    return value;
  }

  #expect(unit: number, expected: string): void {
    if (this.#peek() !== unit) throw this.#unexpected(expected);
    this.#position++;
  }

  /** The next character that is no blank; NaN at the end. */
  #peek(): number {
    this.#blanks();
    return this.#text.charCodeAt(this.#position);
  }

  #blanks(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#position);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#position++;
    }
  }

  #unexpected(expected: string) {
    const found = this.#position < this.#text.length ? JSON.stringify(this.#text[this.#position]) : 'the end';
    return this.#invalid(`${found} where ${expected} is expected`);
  }

  #invalid(what: string) {
    return rocketMQError(
      'RMQ_BODY_INVALID',
      `Not JSON as RocketMQ writes it: ${what}, at character ${this.#position}`,
      {},
    );
  }
}

interface ObjectContainer extends Container {
  value: DialectObject | Map<unknown, unknown>;
}

const ESCAPES: ReadonlyMap<number, string> = new Map(
  Object.entries({
    '"': '"',
    "'": "'",
    '\\': '\\',
    '/': '/',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
  }).map(([letter, meant]) => [letter.charCodeAt(0), meant]),
);

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)?/y;
