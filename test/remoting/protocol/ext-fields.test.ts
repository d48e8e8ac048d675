import { expect, test } from 'vitest';
import {
  optionalBoolean,
  optionalInt32,
  optionalInt64,
  optionalString,
  requiredInt32,
  requiredInt64,
  requiredString,
} from '../../../core/remoting/protocol/ext-fields.js';

const command = (ext: Record<string, string>) => ({ code: 11, ext: Object.assign(Object.create(null), ext) });
const invalid = (text: RegExp) =>
  expect.objectContaining({ code: 'RMQ_BODY_INVALID', message: expect.stringMatching(text) });

test('a required field that is missing is named, with the code', () => {
  for (const read of [requiredString, requiredInt32, requiredInt64]) {
    expect(() => read(command({}), 'queueId')).toThrow(invalid(/queueId .*code 11/));
    expect(() => read(command({}), 'constructor')).toThrow(invalid(/constructor/));
  }
});

test('an optional field that is missing or empty is undefined', () => {
  for (const read of [optionalString, optionalInt32, optionalInt64, optionalBoolean]) {
    expect(read(command({}), 'x')).toBeUndefined();
    expect(read(command({ x: '' }), 'x')).toBeUndefined();
  }
  expect(requiredString(command({ x: '' }), 'x')).toBe('');
});

test('integers are exactly those that Java reads', () => {
  const one = (x: string) => command({ x });
  expect(requiredInt32(one('-2147483648'), 'x')).toBe(-2147483648);
  expect(requiredInt32(one('+7'), 'x')).toBe(7);
  expect(requiredInt32(one('007'), 'x')).toBe(7);
  expect(Object.is(requiredInt32(one('-0'), 'x'), 0)).toBe(true);
  expect(requiredInt64(one('9007199254740991'), 'x')).toBe(Number.MAX_SAFE_INTEGER);
  expect(requiredInt64(one('9223372036854775807'), 'x')).toBe(2 ** 63);
  expect(requiredInt64(one('-9223372036854775808'), 'x')).toBe(-(2 ** 63));
  for (const text of ['', ' 1', '1 ', '1.0', '1e3', '0x10', 'NaN', 'Infinity', '--1', '٣', '2147483648']) {
    expect(() => requiredInt32(one(text), 'x')).toThrow(invalid(/32-bit integer/));
  }
  for (const text of ['', '1.0', '9223372036854775808', '-9223372036854775809', '9'.repeat(5000)]) {
    expect(() => requiredInt64(one(text), 'x')).toThrow(invalid(/64-bit integer/));
  }
  expect(() => optionalInt32(one('x'), 'x')).toThrow(invalid(/32-bit/));
  expect(optionalInt64(one('5'), 'x')).toBe(5);
});

test('booleans are true for true in any case, and false for all else', () => {
  for (const [text, expected] of [
    ['true', true],
    ['TRUE', true],
    ['false', false],
    ['1', false],
    ['truely', false],
  ] as const) {
    expect(optionalBoolean(command({ x: text }), 'x')).toBe(expected);
  }
});
