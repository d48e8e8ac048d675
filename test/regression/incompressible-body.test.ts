/**
 * A legal body of exactly 4 MiB that does not compress grew by compression, and the broker refused it with
 * MESSAGE_ILLEGAL: larger than its limit. A body that compression does not make smaller now goes as it is.
 */
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { embedded } from '../../core/server/index.js';

test.each([5_000, 4 * 1024 * 1024])('an incompressible body of %i bytes arrives as it was sent', async (bytes) => {
  const mq = await connect({ cluster: embedded({ store: 'memory' }) });
  onTestFinished(() => mq.close());
  const body = randomBytes(bytes);
  const producer = await mq.producer({ group: 'p', timeoutMs: 20_000 });
  expect((await producer.send({ topic: 'T', body })).status).toBe('SEND_OK');

  const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first' });
  const received = await new Promise<{ body: Buffer; sysFlag: number }>((resolve) => {
    void consumer.run((message) => resolve(message));
  });
  expect(received.body.equals(body)).toBe(true);
  expect(received.sysFlag).toBe(0);
});
