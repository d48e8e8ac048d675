/**
 * A delivery interceptor that never went on held up a poll for good: neither the poll's time-out nor its signal ended it, and as there
 * is one poll at a time, nothing of any queue could be read any more.
 */
import { NEVER } from 'rxjs';
import { expect, test } from 'vitest';
import type { DeliveryInterceptor } from '../../core/index.js';
import { testKit } from '../../core/testing/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { nextTurn } from '../kit/wait-for.js';
import { rejection } from '../pipeline/pipeline-kit.js';

async function setup(intercept: DeliveryInterceptor) {
  const kit = closeAfterTest(await testKit());
  await (await (await kit.connect()).producer({ group: 'shop' })).send({ topic: 'orders', body: 'one' });
  let passes = 0;
  const mq = await kit.connect({
    plugins: [
      {
        name: 'holder',
        setup: (host) =>
          host.interceptDelivery({
            create: () => (context, next) => (passes++ === 0 ? intercept(context, next) : next(context)),
          }),
      },
    ],
  });
  const consumer = await mq.litePullConsumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  return { kit, consumer };
}

test('a plugin that does not hand messages on is named, and the next poll gets them, also when it goes on after all', async () => {
  let goOn = (): unknown => undefined;
  const { kit, consumer } = await setup((context, next) => {
    goOn = () => next(context);
    return NEVER;
  });
  const failed = rejection(consumer.poll({ timeoutMs: 100 }));
  await kit.clock.advance('31s');
  expect(await failed).toMatchObject({
    code: 'RMQ_POLL_FAILED',
    cause: { code: 'RMQ_CONSUME_TIMEOUT', plugin: 'holder', timeoutMs: 30_000 },
  });
  goOn();
  const polled = consumer.poll({ timeoutMs: 10_000 });
  await kit.clock.advance('10s');
  expect((await polled).map(({ body }) => body.toString())).toEqual(['one']);
});

test('a poll that is aborted ends while a plugin holds its messages', async () => {
  const { kit, consumer } = await setup(() => NEVER);
  const cancel = new AbortController();
  const failed = rejection(consumer.poll({ timeoutMs: 60_000, signal: cancel.signal }));
  await kit.clock.advance('1s');
  await nextTurn();
  cancel.abort();
  expect(await failed).toMatchObject({ code: 'RMQ_REQUEST_ABORTED' });
  const polled = consumer.poll({ timeoutMs: 1_000 });
  await kit.clock.advance('1s');
  expect(await polled).toHaveLength(1);
});
