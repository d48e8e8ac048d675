import { expect, test } from 'vitest';
import { expectSuccess } from '../../core/remoting/expect-success.js';
import { commandsIn, frameBytes } from './remoting-setup.js';

const answer = (code: number, remark?: string) =>
  commandsIn(frameBytes({ code, opaque: 1, flag: 1, ...(remark && { remark }) }))[0]!;

test('success is handed back, whatever its remark', () => {
  const response = answer(0, 'not set any response code');
  expect(expectSuccess(response)).toBe(response);
});

test('any other code is an error with the server’s own words', () => {
  expect(() => expectSuccess(answer(17, 'topic not exist'), { address: '127.0.0.1:10911' })).toThrow(
    expect.objectContaining({
      code: 'RMQ_BROKER_ERROR',
      responseCode: 17,
      remark: 'topic not exist',
      address: '127.0.0.1:10911',
      retryable: false,
      message: '127.0.0.1:10911 answered with code 17: topic not exist',
    }),
  );
  expect(() => expectSuccess(answer(2), { broker: 'broker-a' })).toThrow(
    expect.objectContaining({ responseCode: 2, broker: 'broker-a', retryable: true }),
  );
});
