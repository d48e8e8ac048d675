import { int64Text } from '../../message/int64.js';
import { DIALECT_DEPTH_MAX } from './json-dialect-parser.js';

export interface JsonDialectOptions {
  /**
   * How the keys of a `Map` with numbers as keys are written. Default `quoted`, which every reader takes; `unquoted` is
   * what Java writes, and old Java clients want it in routes.
   */
  readonly integerKeys?: 'quoted' | 'unquoted';
  /** Whether characters beyond ASCII are written as escapes. Default false. */
  readonly asciiOnly?: boolean;
  /** Puts each member on a line of its own, indented by this. Default none, everything on one line. */
  readonly indent?: string;
}

/**
 * Writes a document of the dialect described in json-dialect.ts. Members that are undefined or null are left out, as Java
 * does; in an array they are null. A `Map` may have strings, numbers, bigints or objects as keys; an object as key is
 * written as an object. Bigints are written as their digits. References are never written: an object that comes twice is
 * written twice.
 * @throws TypeError for what the dialect cannot say: functions, symbols, numbers that are not finite, cycles
 */
export function stringifyJsonDialect(value: unknown, options: JsonDialectOptions = {}): string {
  const text = write(value, options, options.indent === undefined ? undefined : '\n', 0);
  if (text === undefined) throw new TypeError('undefined cannot be written as JSON');
  return options.asciiOnly === true ? escapeNonAscii(text) : text;
}

/** The text of a value; undefined for a value that is left out. `line` begins a line at the value's own depth. */
function write(
  value: unknown,
  options: JsonDialectOptions,
  line: string | undefined,
  depth: number,
): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} cannot be written as JSON`);
      return int64Text(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? 'null' : writeContainer(value, options, line, depth + 1);
    default:
      throw new TypeError(`A ${typeof value} cannot be written as JSON`);
  }
}

function writeContainer(value: object, options: JsonDialectOptions, line: string | undefined, depth: number): string {
  if (depth > DIALECT_DEPTH_MAX) throw new TypeError(`More than ${DIALECT_DEPTH_MAX} levels cannot be written as JSON`);
  const inner = line === undefined ? undefined : line + options.indent;
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const element of value) parts.push(write(element, options, inner, depth) ?? 'null');
    return surround('[', parts, ']', line, inner);
  }
  for (const [key, member] of value instanceof Map ? value : Object.entries(value)) {
    if (member === undefined || member === null) continue;
    parts.push(`${writeKey(key, options, depth)}:${write(member, options, inner, depth)}`);
  }
  return surround('{', parts, '}', line, inner);
}

function writeKey(key: unknown, options: JsonDialectOptions, depth: number): string {
  if (typeof key === 'number' || typeof key === 'bigint') {
    if (typeof key === 'number' && !Number.isInteger(key)) throw new TypeError(`${key} cannot be a key in JSON`);
    return options.integerKeys === 'unquoted' ? String(key) : `"${key}"`;
  }
  if (typeof key === 'object' && key !== null) return write(key, { ...options, indent: '' }, undefined, depth)!;
  return JSON.stringify(String(key));
}

function surround(
  open: string,
  parts: readonly string[],
  close: string,
  line: string | undefined,
  inner: string | undefined,
): string {
  if (line === undefined || parts.length === 0) return open + parts.join(',') + close;
  return open + inner + parts.join(`,${inner}`) + line + close;
}

function escapeNonAscii(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
