/**
 * A logger that throws, say because what it writes to is closed, failed `connect`, and later whatever was just being told:
 * a heartbeat, a request, a timer. Nothing comes back from a logger now; the process is warned once.
 */
import { expect, onTestFinished, test, vi } from 'vitest';
import { connect, type Logger } from '../../core/index.js';
import { embedded } from '../../core/server/index.js';

const broken = (fail: () => unknown): Logger => {
  const line = () => fail() as undefined;
  return { debug: line, info: line, warn: line, error: line };
};

test.each([
  ['throws', () => expect.fail('the disk is full')],
  ['rejects', () => Promise.reject(new Error('the disk is full'))],
])('a logger that %s harms nothing, and the process is warned once', async (_, fail) => {
  const warning = vi.spyOn(process, 'emitWarning').mockReturnValue();
  onTestFinished(() => warning.mockRestore());
  const logger = broken(fail);
  const mq = await connect({ logger, cluster: embedded({ store: 'memory', host: '0.0.0.0', logger }) });
  const producer = await mq.producer({ group: 'shop' });
  expect(await producer.send({ topic: 'orders', body: 'one' })).toMatchObject({ status: 'SEND_OK' });
  await mq.close();
  const told = warning.mock.calls.filter(([text]) => String(text).includes('the disk is full'));
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThanOrEqual(2);
});
