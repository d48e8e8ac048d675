import type { Properties } from '../../../core/message/message.js';

/** What the messages are that every expression of sql-cases.json is asked of, by name. */
export const SQL_MESSAGES: Readonly<Record<string, Properties>> = {
  bare: { other: '1' },
  five: { a: '5', b: 'x', s: 'hello' },
  ten: { a: '10', b: 'y', f: '1.5' },
  word: { a: 'abc', b: 'x' },
  minus: { a: '-3', t: 'true', u: 'FALSE' },
  big: { a: '2147483648', d: '1e3', n: 'NaN' },
  decimal: { a: '5.0', b: "it's", c: '5' },
  blanks: { a: ' 7 ', z: '0x1p3', i: 'Infinity' },
  cased: { TAGS: 'T', KEYS: 'k1', a: '5', A: '6' },
  huge: { a: '9223372036854775808', contains: 'c', s: 'shell', _x$1: '1', f: '-0.0' },
};
