import { expect, test } from 'vitest';
import { AllocateStrategy, allocateAveragely, type Plugin } from '../../../core/index.js';
import { testKit } from '../../../core/testing/index.js';
import { closeAfterTest } from '../../kit/close-after-test.js';

test('a plugin replaces how queues are shared out for every consumer whose option does not say', async () => {
  const kit = closeAfterTest(await testKit());
  await kit.createTopic('orders', { queues: 4 });
  const firstOnly: AllocateStrategy = {
    name: 'FIRST_ONLY',
    allocate: (_group, _clientId, queues) => queues.filter(({ queueId }) => queueId === 0),
  };
  const plugin: Plugin<void> = {
    name: 'first only',
    setup: (host) => host.bind(AllocateStrategy, { value: firstOnly }),
  };
  const mq = await kit.connect({ plugins: [plugin] });
  const subscribe = { orders: '*' };
  const pushed = await mq.consumer({ group: 'pushed', subscribe });
  await pushed.run(() => undefined);
  const polled = await mq.litePullConsumer({ group: 'polled', subscribe });
  const own = await mq.consumer({ group: 'own', subscribe, allocateStrategy: allocateAveragely });
  await own.run(() => undefined);
  const read = [pushed, polled, own].map((one) => one.assignment().map(({ queueId }) => queueId));
  expect(read).toEqual([[0], [0], [0, 1, 2, 3]]);
});
