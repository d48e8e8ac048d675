/**
 * `close({ timeoutMs: 500 })` waited three seconds for each group that a broker which had fallen silent was told goodbye of,
 * one group after the other: a service with ten consumers took half a minute, and was killed. Farewells share the time that
 * close has.
 */
import { expect, onTestFinished, test } from 'vitest';
import { testKit } from '../../core/testing/index.js';

test('a broker that takes no farewells holds close up no longer than that was told to wait', async () => {
  const kit = await testKit();
  onTestFinished(() => kit.close());
  const mq = await kit.connect();
  for (const group of ['a', 'b', 'c']) {
    const producer = await mq.producer({ group });
    await producer.send({ topic: 'T', body: 'x' });
  }
  const farewells = kit.drop('UNREGISTER_CLIENT', { what: 'request', times: Number.POSITIVE_INFINITY });
  let closed = false;
  const closing = mq.close({ timeoutMs: 500 }).then(() => {
    closed = true;
  });
  await kit.clock.advance('1s');
  expect(closed).toBe(true);
  expect(farewells.hits).toBe(3);
  await closing;
});
