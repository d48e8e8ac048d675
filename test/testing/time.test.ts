/** What the broker does later, it does when the kit's time comes there. */
import { expect, test } from 'vitest';
import { testKit } from '../../core/testing/index.js';
import { transaction } from '../../plugins/transaction/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';

test.each([
  ['by a level', { delay: '10m' }, 600_000],
  ['by a duration that is no level', { delay: '90s' }, 90_000],
  ['to an instant', { deliverAt: Date.UTC(2030, 0, 1, 0, 10) }, 600_000],
])('a message that is delayed %s comes at its time, and not before', async (_, delay, delayMs) => {
  const kit = closeAfterTest(await testKit({ now: Date.UTC(2030, 0, 1) }));
  const producer = await (await kit.connect()).producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: 'later', ...delay });
  await kit.clock.advance(delayMs - 2_000);
  expect(await kit.messages('orders')).toEqual([]);
  await kit.clock.advance(4_000);
  const [later] = await kit.messages('orders');
  expect(later?.value).toBe('later');
  expect(Math.abs((later?.storeTimestamp ?? 0) - Date.UTC(2030, 0, 1) - delayMs)).toBeLessThanOrEqual(1_100);
});

test('a transaction that does not say how it ended is asked, and delivered when it says commit', async () => {
  const kit = closeAfterTest(await testKit());
  const transactions = transaction();
  const mq = await kit.connect({ plugins: [transactions] });
  const checked: string[] = [];
  const producer = await mq.plugin(transactions).producer({
    group: 'checkout',
    execute: () => 'unknown',
    check: ({ transactionId }) => {
      checked.push(transactionId);
      return checked.length < 2 ? 'unknown' : 'commit';
    },
  });
  const { transactionId } = await producer.send({ topic: 'orders', body: 'paid' });
  await kit.clock.advance('5m');
  expect(checked).toEqual([transactionId, transactionId]);
  expect((await kit.messages('orders')).map(({ value }) => value)).toEqual(['paid']);
});
