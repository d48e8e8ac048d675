import { expect, test } from 'vitest';
import { mapEntries, parseJsonDialect, stringifyJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';

type Tree = Record<string, never>;
const invalid = expect.objectContaining({ code: 'RMQ_BODY_INVALID' });

test('maps with numbers as keys are read with and without quotes', () => {
  const expected = { offsetTable: { 'T@G': { 0: 5, 1: 6, '-1': 7 } } };
  expect(parseJsonDialect('{"offsetTable":{"T@G":{0:5,1:6,-1:7}}}')).toEqual(expected);
  expect(parseJsonDialect('{"offsetTable":{"T@G":{"0":5,"1":6,"-1":7}}}')).toEqual(expected);
});

test('maps with objects as keys become Maps in the order read', () => {
  const read = parseJsonDialect(
    '{"offsetTable":{{"brokerName":"b","queueId":1,"topic":"T"}:9, {"queueId":2} : [1]}}',
  ) as Tree;
  expect([...mapEntries(read.offsetTable)]).toEqual([
    [{ brokerName: 'b', queueId: 1, topic: 'T' }, 9],
    [{ queueId: 2 }, [1]],
  ]);
  const mixed = parseJsonDialect('{"a":1,{"b":2}:3,"c":4}');
  expect([...mapEntries(mixed)]).toEqual([
    ['a', 1],
    [{ b: 2 }, 3],
    ['c', 4],
  ]);
});

test('every int64 is exact', () => {
  expect(
    parseJsonDialect('[9223372036854775807,-9223372036854775808,9007199254740991,9007199254740993,1.5,1e3,-0]'),
  ).toEqual([9223372036854775807n, -9223372036854775808n, 9007199254740991, 9007199254740993n, 1.5, 1000, -0]);
  // Longer than any int64: a double, since exact arithmetic on any length could be made to take for ever.
  expect(parseJsonDialect('1'.repeat(1_000_00))).toBe(Number.POSITIVE_INFINITY);
  expect(parseJsonDialect('123456789012345678901234567890')).toBe(1.2345678901234568e29);
});

test('references stand for what they refer to', () => {
  const read = parseJsonDialect(
    '{"path":{"x":1},"list":[{"y":2},{"$ref":"$.list[0]"}],"again":{"$ref":"$.path"},"root":{"$ref":"$"},"own":{"self":{"$ref":"@"},"up":{"$ref":".."}},"a.b":{"z":3},"dotted":{"$ref":"$.a\\\\.b"}}',
  ) as Record<string, Tree>;
  expect(read.again).toBe(read.path);
  expect(read.root).toBe(read);
  expect(read.list![1]).toBe(read.list![0]);
  expect(read.own!.self).toBe(read.own);
  expect(read.own!.up).toBe(read);
  expect(read.dotted).toBe(read['a.b']);
});

test('a reference inside a map with objects as keys, and through one resolved before, is resolved', () => {
  const read = parseJsonDialect('{"a":{"v":{"w":1}},"b":{"$ref":"$.a"},"m":{{"k":1}:{"$ref":"$.b.v"}}}') as Record<
    string,
    Tree
  >;
  const [[, value]] = [...mapEntries(read.m)] as [[unknown, unknown]];
  expect(value).toBe(read.a!.v);
});

test.each([
  '{"a":{"$ref":"$.b"}}',
  '{"a":{"$ref":"$.b.x"},"b":{"$ref":"$.a.x"}}',
  '{"a":{"$ref":"$.a"}}',
  '[{"$ref":"$[1]"},{"$ref":"$[0]"}]',
  '[{"$ref":"$[9]"}]',
  '{"a":{"$ref":"$.constructor"}}',
  '{"a":{"$ref":"$x"}}',
  '{"a":{"$ref":"$[a]"}}',
])('a reference that leads nowhere, or in a ring, is refused: %s', (text) => {
  expect(() => parseJsonDialect(text)).toThrow(invalid);
});

test('what only looks like a reference is an object', () => {
  expect(parseJsonDialect('{"a":{"$ref":"x"},"b":{"$ref":"$","c":1},"d":{"$ref":5}}')).toEqual({
    a: { $ref: 'x' },
    b: { $ref: '$', c: 1 },
    d: { $ref: 5 },
  });
  expect(parseJsonDialect('{"$ref":"$"}')).toEqual({ $ref: '$' });
});

test('many references in one object cost no more than they are long', () => {
  const many = Array.from({ length: 100_000 }, () => '{"$ref":"$"}').join(',');
  const read = parseJsonDialect(`[${many}]`) as unknown[];
  expect(read).toHaveLength(100_000);
  expect(read[99_999]).toBe(read);
});

test('nesting is bounded, both ways', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(parseJsonDialect(nested(128))).toBeInstanceOf(Array);
  expect(() => parseJsonDialect(nested(129))).toThrow(invalid);
  expect(() => parseJsonDialect('['.repeat(1_000_000))).toThrow(invalid);
  expect(() => parseJsonDialect('{'.repeat(1_000_000))).toThrow(invalid);
  const ring: unknown[] = [];
  ring.push(ring);
  expect(() => stringifyJsonDialect(ring)).toThrow(TypeError);
});

test.each([
  '',
  ' ',
  '{',
  '{]',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '[1,]',
  '[1 2]',
  '{a:1}',
  "{'a':1}",
  '{1.5:1}',
  '{[1]:2}',
  '01',
  '+1',
  '.5',
  '1.',
  'nul',
  'tru',
  'NaN',
  '"\\x"',
  '"\\u12"',
  '"\\u12g4"',
  '"a',
  '1 1',
  '{} {}',
  'undefined',
  '{"a":1}}',
])('is refused: %j', (text) => {
  expect(() => parseJsonDialect(text)).toThrow(invalid);
});

test('an error names the place', () => {
  expect(() => parseJsonDialect('{"a":1,\n"b":x}')).toThrow('"x" where a value is expected, at character 12');
});

test('escapes are read', () => {
  expect(parseJsonDialect('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00\\\'\\v"')).toBe('"\\/\b\f\n\r\tA😀\'\v');
});

test('members that are undefined or null are left out, elements of arrays are null', () => {
  expect(stringifyJsonDialect({ a: undefined, b: null, c: [undefined, null, 1] })).toBe('{"c":[null,null,1]}');
});

test('keys are written in the form that is asked for', () => {
  const map = new Map<unknown, unknown>([
    [0, 'a'],
    ['1', 'b'],
    [{ topic: 'T' }, 9n],
  ]);
  expect(stringifyJsonDialect({ map })).toBe('{"map":{"0":"a","1":"b",{"topic":"T"}:9}}');
  expect(stringifyJsonDialect({ map }, { integerKeys: 'unquoted' })).toBe('{"map":{0:"a","1":"b",{"topic":"T"}:9}}');
  expect(stringifyJsonDialect({ map, list: [], none: {} }, { indent: '\t' })).toBe(
    '{\n\t"map":{\n\t\t"0":"a",\n\t\t"1":"b",\n\t\t{"topic":"T"}:9\n\t},\n\t"list":[],\n\t"none":{}\n}',
  );
  expect(stringifyJsonDialect({ é: '漢😀' }, { asciiOnly: true })).toBe('{"\\u00e9":"\\u6f22\\ud83d\\ude00"}');
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol('x'), undefined, new Map([[1.5, 1]])])(
  'what the dialect cannot say is refused: %s',
  (value) => {
    expect(() => stringifyJsonDialect(value)).toThrow(TypeError);
  },
);
