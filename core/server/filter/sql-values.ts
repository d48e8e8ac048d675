/**
 * Values of a SQL92 filter, and how they compare. RocketMQ evaluates with Java's boxed types, and what a comparison says
 * depends on them: a property is always text, and is read as the type of the number it is compared with. Matches Apache's
 * ComparisonExpression.
 */

/** A 32-bit or 64-bit integer, as a literal of its size makes it. */
export interface SqlInteger {
  readonly bits: 32 | 64;
  readonly value: bigint;
}

/** A number is a double; null is unknown, as a property that is missing is. */
export type SqlValue = string | boolean | number | SqlInteger | null;

/** Evaluation cannot go on: text that is no number compared with one. The message does not match, whatever stands beside it. */
export const FAILED = Symbol('failed');
export type Failed = typeof FAILED;

const INTEGER = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/;
const BLANK_ENDS = /^[\0- ]+|[\0- ]+$/g;

/** The literal `text`, of digits and at most one `L`; undefined beyond 64 bits. */
export function integerLiteral(text: string): SqlInteger | undefined {
  const value = BigInt(text.replace(/l$/i, ''));
  return fits(value, 64) ? { bits: fits(value, 32) ? 32 : 64, value } : undefined;
}

export function negated(value: SqlValue | Failed): SqlValue | Failed {
  if (value === FAILED) return FAILED;
  if (typeof value === 'number') return -value;
  if (typeof value !== 'object' || value === null) return null;
  return { bits: value.bits, value: BigInt.asIntN(value.bits, -value.value) };
}

/** As `=` does: only what is of one kind, or can be made so, is ever equal. */
export function equal(left: SqlValue, right: SqlValue): boolean | null | Failed {
  if (left === null) return right === null ? true : null;
  if (right === null) return false;
  const order = compare(left, right);
  return order === FAILED ? FAILED : order === 0;
}

/** Below, at or above 0 as `<` and its kin see it; null with an unknown side. */
export function ordered(left: SqlValue, right: SqlValue): number | null | Failed {
  if (left === null || right === null) return null;
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  return compare(left, right);
}

/** Texts have no order of their own here: both have to be numbers. */
function compareTexts(left: string, right: string): number | Failed {
  const first = parseDouble(left);
  const second = parseDouble(right);
  return first === FAILED || second === FAILED ? FAILED : compareDoubles(first, second);
}

/** What cannot be compared counts as smaller, and so as different. */
function compare(left: Exclude<SqlValue, null>, right: Exclude<SqlValue, null>): number | Failed {
  if (typeof left === 'string') return compareText(left, right);
  if (typeof left === 'boolean') {
    // Java casts the boolean to a text there, and fails.
    if (typeof right === 'string') return FAILED;
    return typeof right === 'boolean' ? Number(left) - Number(right) : -1;
  }
  if (typeof right === 'boolean') return -1;
  if (typeof right === 'string') {
    const number = parseAs(left, right);
    return number === FAILED ? FAILED : compareNumbers(left, number);
  }
  return compareNumbers(left, right);
}

function compareText(left: string, right: Exclude<SqlValue, null>): number | Failed {
  if (typeof right === 'string') return left < right ? -1 : Number(left > right);
  if (typeof right === 'boolean') return Number(left.toLowerCase() === 'true') - Number(right);
  const number = parseAs(right, left);
  return number === FAILED ? FAILED : compareNumbers(number, right);
}

function compareNumbers(left: number | SqlInteger, right: number | SqlInteger): number {
  if (typeof left === 'object' && typeof right === 'object') {
    return left.value < right.value ? -1 : Number(left.value > right.value);
  }
  return compareDoubles(toDouble(left), toDouble(right));
}

/** Double.compareTo: NaN is equal to itself and above everything, -0 is below 0. */
function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (Object.is(left, right)) return 0;
  if (Number.isNaN(left)) return 1;
  return Number.isNaN(right) || Object.is(left, -0) ? -1 : 1;
}

function toDouble(value: number | SqlInteger): number {
  return typeof value === 'number' ? value : Number(value.value);
}

/** Text as the kind of number that it is compared with. */
function parseAs(kind: number | SqlInteger, text: string): number | SqlInteger | Failed {
  if (typeof kind === 'number') return parseDouble(text);
  if (!INTEGER.test(text)) return FAILED;
  const value = BigInt(text.replace('+', ''));
  return fits(value, kind.bits) ? { bits: kind.bits, value } : FAILED;
}

/** Double.valueOf: blanks around it, a type suffix and the hexadecimal form are fine. */
function parseDouble(text: string): number | Failed {
  const trimmed = text.replace(BLANK_ENDS, '');
  if (DECIMAL.test(trimmed)) return Number(trimmed.replace(/[fFdD]$/, ''));
  const [, sign, whole = '', fraction = '', exponent] = HEXADECIMAL.exec(trimmed) ?? [];
  if (whole + fraction === '') return FAILED;
  const magnitude = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -magnitude : magnitude;
}

function fits(value: bigint, bits: 32 | 64): boolean {
  return BigInt.asIntN(bits, value) === value;
}
