/**
 * A member stored the offsets it began with when the group changed, and at the same moment those it ended with, because
 * it was closed. A broker works on requests side by side: the older offset came out last, and the next member read a
 * whole queue again. Seen on Apache 4.9.7. There is one request at a time for a queue now. And pulls carry no position to
 * commit any more, as Java's do: one that was worked on late undid the last commit of a consumer that closed, so that the
 * next member read five messages again (Apache 4.9.7 and 5.5.0).
 */
import { expect, test } from 'vitest';
import type { BrokerRequests } from '../../core/consumer/broker-requests.js';
import { pullRequest } from '../../core/consumer/feeds/pull-request.js';
import { RemoteOffsetStore } from '../../core/consumer/offsets/remote-offset-store.js';
import { PullSysFlag } from '../../core/remoting/protocol/flags.js';
import { silentLogger } from '../../core/runtime/logger.js';

test('an offset goes out only when the one before it is confirmed, and then the newest', async () => {
  const requests: { offset: number; answer(error?: Error): void }[] = [];
  const broker = {
    storeConsumerOffset: (_queue: unknown, offset: number) =>
      new Promise<void>((resolve, reject) => {
        requests.push({ offset, answer: (error) => (error ? reject(error) : resolve()) });
      }),
  } as unknown as BrokerRequests;
  const store = new RemoteOffsetStore(broker, 'g', silentLogger, () => 0);
  const queue = { topic: 't', brokerName: 'b', queueId: 0 };
  const sentOffsets = () => requests.map(({ offset }) => offset);

  store.update(queue, 0);
  const first = store.persist();
  store.update(queue, 3);
  const second = store.persist();
  store.update(queue, 5);
  const last = store.persist();
  expect(sentOffsets()).toEqual([0]);
  requests[0]?.answer(new Error('lost'));
  await first;
  await Promise.resolve();
  expect(sentOffsets()).toEqual([0, 5]);
  requests[1]?.answer();
  await Promise.all([second, last]);
  expect(sentOffsets()).toEqual([0, 5]);
});

test('a pull carries no position: it could be worked on behind a newer one', () => {
  const { ext } = pullRequest({
    ...{ group: 'g', queue: { topic: 't', brokerName: 'b', queueId: 0 }, offset: 7, batchSize: 32 },
    ...{ suspendTimeoutMs: 15_000, subVersion: 1, expressionType: 'TAG' },
  });
  expect(ext).toMatchObject({ queueOffset: 7, commitOffset: 0, sysFlag: PullSysFlag.SUSPEND });
});

/**
 * The first commit of four queues went out at once. Apache's broker (4.9.7, 5.5.0) makes a table for a group's first offset in
 * a topic, and of requests that find none side by side only one table stays: an offset that was confirmed was gone, and
 * the next member read that queue again.
 */
test('the first offset of a topic at a broker goes alone, the others behind it', async () => {
  const requests: { place: string; answer(): void }[] = [];
  const broker = {
    storeConsumerOffset: ({ brokerName, queueId }: { brokerName: string; queueId: number }) =>
      new Promise<void>((resolve) => {
        requests.push({ place: `${brokerName}${queueId}`, answer: resolve });
      }),
  } as unknown as BrokerRequests;
  const store = new RemoteOffsetStore(broker, 'g', silentLogger, () => 0);
  for (const brokerName of ['a', 'b']) {
    for (const queueId of [0, 1, 2]) store.update({ topic: 't', brokerName, queueId }, 5);
  }
  const persisting = store.persist();
  await Promise.resolve();
  expect(requests.map(({ place }) => place)).toEqual(['a0', 'b0']);
  requests[0]?.answer();
  await new Promise(setImmediate);
  expect(requests.map(({ place }) => place)).toEqual(['a0', 'b0', 'a1', 'a2']);
  requests[1]?.answer();
  await new Promise(setImmediate);
  expect(requests.map(({ place }) => place)).toEqual(['a0', 'b0', 'a1', 'a2', 'b1', 'b2']);
  for (const { answer } of requests) answer();
  await persisting;
});

/**
 * An offset that did not change was never sent again. Of two members whose first offsets met, one's was confirmed and lost all
 * the same; and a broker that was killed forgets what it confirmed in its last seconds. A queue in which nothing came stayed
 * without an offset, though its member knew better, and the next owner of a group that begins at the end left out what had
 * come in between. Java sends every offset at every turn.
 */
test('an offset counts as stored when it was confirmed at two turns, and no more when its broker was lost', async () => {
  const sent: number[] = [];
  const broker = {
    storeConsumerOffset: async (_queue: unknown, offset: number) => void sent.push(offset),
  } as unknown as BrokerRequests;
  let losses = 0;
  const store = new RemoteOffsetStore(broker, 'g', silentLogger, () => losses);
  store.update({ topic: 't', brokerName: 'b', queueId: 0 }, 5);
  for (let turn = 0; turn < 4; turn++) await store.persist();
  expect(sent).toEqual([5, 5]);
  losses++;
  for (let turn = 0; turn < 4; turn++) await store.persist();
  expect(sent).toEqual([5, 5, 5, 5]);
  store.update({ topic: 't', brokerName: 'b', queueId: 0 }, 6);
  for (let turn = 0; turn < 4; turn++) await store.persist();
  expect(sent.slice(4)).toEqual([6]);
});
