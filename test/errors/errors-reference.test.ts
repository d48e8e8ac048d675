import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../core/errors/codes.js';
import { isRocketMQError, RocketMQError, rocketMQError } from '../../core/errors/rocketmq-error.js';

const reference = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');

/** Rows of the reference: code, retryable, cause, remedy. */
const rows = [...reference.matchAll(/^\| `(RMQ_[A-Z_]+)` \| (yes|no) \| (.*) \| (.*) \|$/gm)].map(
  ([, code, retryable, cause, remedy]) => ({
    code,
    retryable: retryable === 'yes',
    cause: plain(cause),
    remedy: plain(remedy),
  }),
);

/** The table escapes the bars that cells hold. */
function plain(cell: string): string {
  return cell.replaceAll('\\|', '|');
}

describe('the error reference', () => {
  test('lists every code of the table in code, in its order, and no other', () => {
    expect(rows.map(({ code }) => code)).toEqual(Object.keys(ERROR_CODES));
  });

  test.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s says the same as the table in code', (code) => {
    const { retryable, cause, remedy } = ERROR_CODES[code];
    expect(rows.find((row) => row.code === code)).toEqual({ code, retryable, cause, remedy });
  });

  test.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s hints at its remedy', (code) => {
    const error = new RocketMQError(code, 'happened');
    expect(error.hint).toBe(ERROR_CODES[code].remedy);
    expect(error.retryable).toBe(ERROR_CODES[code].retryable);
    expect(error.hint).toMatch(/^[A-Z].*[.]$/);
  });
});

describe('isRocketMQError', () => {
  test('narrows to the fields of a code', () => {
    const error: unknown = rocketMQError('RMQ_SEND_TIMEOUT', 'late', {
      topic: 'T',
      timeoutMs: 3000,
      stage: 'send',
      sent: 'maybe',
    });
    expect(isRocketMQError(error, 'RMQ_SEND_TIMEOUT') && error.stage).toBe('send');
    expect(isRocketMQError(error, 'RMQ_SEND_FAILED')).toBe(false);
  });

  test('is not taken in by an object that merely has a code', () => {
    expect(isRocketMQError({ code: 'RMQ_SEND_TIMEOUT' })).toBe(false);
    expect(isRocketMQError(undefined)).toBe(false);
    expect(isRocketMQError('RMQ_SEND_TIMEOUT')).toBe(false);
  });

  test('knows an error of another copy of the package by its brand', () => {
    const foreign = Object.defineProperty(
      Object.assign(new Error('x'), { code: 'RMQ_CONNECT_FAILED' }),
      Symbol.for('multistage.RocketMQError'),
      { value: true },
    );
    expect(isRocketMQError(foreign, 'RMQ_CONNECT_FAILED')).toBe(true);
  });
});

test('an error that nobody catches shows the line where it went wrong, and not where errors are made', () => {
  const wentWrong = () => rocketMQError('RMQ_NOT_RUNNING', 'closed', { state: 'shut down' });
  const [, first] = (wentWrong().stack ?? '').split('\n');
  expect(first).toContain('wentWrong');
});
