import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSql } from '../../../core/server/filter/sql-filter.js';
import { SQL_CASES, SQL_CASES_OF_5, type SqlCase } from './sql-cases.js';
import { SQL_MESSAGES } from './sql-messages.js';

function answerTo(expression: string): SqlCase {
  const filter = compileSql(expression);
  if ('matches' in filter) {
    const matching = Object.entries(SQL_MESSAGES).filter(([, properties]) => filter.matches(properties));
    return { expression, matches: matching.map(([name]) => name) };
  }
  const { line, column } = filter;
  return line === undefined || column === undefined ? { expression } : { expression, place: { line, column } };
}

describe('every expression is answered as a broker of 4.9.7 answers it:', () => {
  test.each(SQL_CASES)('$expression', (expected) => {
    expect(answerTo(expected.expression)).toEqual(expected);
  });
});

describe('the operators of 5.x are answered as its broker answers them:', () => {
  test.each(SQL_CASES_OF_5)('$expression', (expected) => {
    expect(answerTo(expected.expression)).toEqual(expected);
  });
});

test('a refusal says what and where in a sentence', () => {
  expect(compileSql("a = 5 AND = 'x'")).toEqual({
    reason: 'it does not go on with "=", at line 1, column 11.',
    line: 1,
    column: 11,
  });
  expect(compileSql('a IN (5)')).toMatchObject({
    reason: 'it does not go on with "5" where a text in single quotes is expected, at line 1, column 7.',
  });
  expect(compileSql('a = NULL')).toEqual({ reason: 'NULL cannot be compared; use IS NULL' });
});

test('any text is either compiled or refused, in time that grows with its length', () => {
  const pieces = fc.constantFrom(
    ...['a', 'b', '5', "'x'", "'", '(', ')', ' ', '=', '<>', '>', '-', '+', '.', ',', '/*', '*/', '--', '\n', '#'],
    ...['NOT', 'AND', 'OR', 'IS', 'NULL', 'IN', 'BETWEEN', 'TRUE', 'CONTAINS', '__proto__', 'constructor'],
  );
  const text = fc.array(pieces, { maxLength: 40 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (expression) => {
      const filter = compileSql(expression);
      if ('matches' in filter) expect(typeof filter.matches(Object.create(null))).toBe('boolean');
      else expect(filter.reason).not.toBe('');
    }),
    { numRuns: 2_000 },
  );
});

test('what is nested without end is refused, and what is long is not', () => {
  expect(compileSql(`${'('.repeat(100_000)}a = 1`)).toMatchObject({ line: 1, column: 201 });
  expect(compileSql(`${'NOT '.repeat(100_000)}a`)).toMatchObject({ line: 1 });
  expect(compileSql(`a${' = b'.repeat(100_000)}`)).toMatchObject({ line: 1 });
  const long = compileSql(Array.from({ length: 5_000 }, (_, index) => `a = ${index}`).join(' OR '));
  expect('matches' in long && long.matches({ a: '4999' })).toBe(true);
});

test('a property that only objects inherit is missing', () => {
  const filter = compileSql('constructor IS NULL AND toString IS NULL');
  expect('matches' in filter && filter.matches(Object.create(null))).toBe(true);
});
