/**
 * Very many delayed messages that are due at once go out in slices with pauses between, so that everybody else is served.
 * The pauses were of the machine's time, of which a clock that is moved by hand knows nothing: `advance` came back with most
 * of the messages not delivered. One in some fifty histories of delayed messages missed one for it.
 */
import { expect, test } from 'vitest';
import { testKit } from '../../core/testing/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';

test('all that came due is there when advance comes back, however many', async () => {
  const kit = closeAfterTest(await testKit());
  const producer = await (await kit.connect()).producer({ group: 'PG' });
  const deliverAt = kit.clock.now() + 10_000;
  const messages = Array.from({ length: 1_000 }, (_, index) => ({ topic: 'orders', body: `${index}`, deliverAt }));
  for await (const { error } of producer.sendAll(messages)) expect(error).toBeUndefined();
  await kit.clock.advance('9s');
  expect(await kit.messages('orders')).toEqual([]);
  await kit.clock.advance('2s');
  expect(await kit.messages('orders')).toHaveLength(1_000);
});
