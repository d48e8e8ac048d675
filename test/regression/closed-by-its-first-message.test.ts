/**
 * A consumer gets messages while its first round of sharing out queues still goes on: it waits for the retry topic, which the
 * broker is only just making. An application that closes in its first message made `run()` reject with RMQ_NOT_RUNNING then,
 * and, since nobody waits for a run that did its work, the process ended with an unhandled rejection.
 */
import { expect, test } from 'vitest';
import { connect } from '../../core/index.js';
import { embedded } from '../../core/server/index.js';

test('a consumer that is closed by its first message has run', async () => {
  const mq = await connect({ cluster: embedded({ store: 'memory' }) });
  await (await mq.producer({ group: 'g' })).send({ topic: 'T', body: 'the only one' });
  const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first' });
  let running: Promise<void> | undefined;
  const closed = new Promise<void>((resolve, reject) => {
    running = consumer.run(() => {
      mq.close().then(resolve, reject);
    });
  });
  await closed;
  await expect(running).resolves.toBeUndefined();
});
