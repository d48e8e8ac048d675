import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRocketMQError } from '../../core/errors/rocketmq-error.js';
import { parseJsonDialect, stringifyJsonDialect } from '../../core/remoting/protocol/json-dialect.js';
import { anyText, RUNS } from './arbitraries.js';

/** A value in one canonical form: maps and objects alike as sorted entries, numbers of both types by their digits. */
function canonical(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return `number ${value}`;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(canonical);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return {
    entries: entries
      .map(([key, member]) => [canonical(typeof key === 'object' ? key : String(key)), canonical(member)])
      .sort((first, second) => (JSON.stringify(first) < JSON.stringify(second) ? -1 : 1)),
  };
}

/** The same with doubles for bigints, as JSON.parse would have it. */
function asDoubles(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(asDoubles);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([name, member]) => [name, asDoubles(member)]));
}

/** `$ref` alone in an object stands for another object and does not come back as it is. */
const key = anyText.filter((text) => text !== '$ref');

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('scalar'),
    tie('array'),
    tie('object'),
    tie('objectKeyed'),
    tie('integerKeyed'),
  ),
  scalar: fc.oneof(
    anyText,
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((big) => !Number.isSafeInteger(Number(big))),
  ),
  array: fc.array(fc.oneof(tie('any'), fc.constant(null)), { maxLength: 4 }),
  object: fc.array(fc.tuple(key, tie('any')), { maxLength: 4 }).map((entries) => {
    const object: Record<string, unknown> = Object.create(null);
    for (const [name, member] of entries) object[name] = member;
    return object;
  }),
  objectKeyed: fc
    .array(fc.tuple(fc.record({ brokerName: anyText, queueId: fc.integer(), topic: anyText }), tie('any')), {
      minLength: 1,
      maxLength: 3,
    })
    .map((entries) => new Map<unknown, unknown>(entries)),
  integerKeyed: fc
    .array(fc.tuple(fc.integer(), tie('any')), { maxLength: 3 })
    .map((entries) => new Map<unknown, unknown>(entries)),
})).any;

test('any value reads as what was written, in every style', () => {
  const style = fc.record({
    integerKeys: fc.constantFrom('quoted' as const, 'unquoted' as const),
    asciiOnly: fc.boolean(),
    indent: fc.constantFrom(undefined, '\t', '  '),
  });
  const property = fc.property(value, style, (written, { indent, ...options }) => {
    const text = stringifyJsonDialect(written, indent === undefined ? options : { ...options, indent });
    expect(canonical(parseJsonDialect(text))).toEqual(canonical(written));
    if (options.asciiOnly) expect(text).toMatch(/^[\0-\x7f]*$/);
  });
  fc.assert(property, RUNS);
});

test('standard JSON reads as JSON.parse reads it', () => {
  const text = fc.oneof(
    fc.json(),
    fc.json().map((json) => ` ${json.replaceAll(',', '\n,\t').replaceAll(':', ' :\r ')} `),
  );
  const property = fc.property(text, (json) => {
    let expected: unknown;
    try {
      expected = JSON.parse(json);
    } catch {
      return;
    }
    const read = parseJsonDialect(json);
    if (!json.includes('$ref')) expect(canonical(asDoubles(read))).toEqual(canonical(expected));
  });
  fc.assert(property, RUNS);
});

test('nothing is inherited by what was read, whatever the names', () => {
  const names = fc.array(fc.constantFrom('__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'a'), {
    minLength: 1,
    maxLength: 4,
  });
  const property = fc.property(names, (path) => {
    const text = path.reduceRight((inner, name) => `{${JSON.stringify(name)}:${inner}}`, '{"polluted":true}');
    let read = parseJsonDialect(text);
    for (const name of path) {
      expect(Object.getPrototypeOf(read)).toBeNull();
      expect(Object.keys(read as object)).toEqual([name]);
      read = (read as Record<string, unknown>)[name];
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
  fc.assert(property, RUNS);
});

test('garbage is read or refused by name, and never loops', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    '0',
    '-',
    '1',
    '.',
    'e',
    '\\',
    'u00',
    'true',
    'null',
    ' ',
    '{"$ref":"$.a"}',
    '"$ref"',
    '"a"',
    '".."',
    '"@"',
    '"$"',
    '\u0000',
  );
  const text = fc.oneof(
    fc.string({ unit: pieces, maxLength: 30 }),
    anyText,
    fc.tuple(value, fc.nat(), pieces).map(([written, at, piece]) => {
      const whole = stringifyJsonDialect(written);
      const position = at % (whole.length + 1);
      return whole.slice(0, position) + piece + whole.slice(position + 1);
    }),
  );
  const property = fc.property(text, (source) => {
    try {
      parseJsonDialect(source);
    } catch (error) {
      expect(isRocketMQError(error, 'RMQ_BODY_INVALID')).toBe(true);
    }
  });
  fc.assert(property, { numRuns: 3000 });
});
