import { expect, onTestFinished, test } from 'vitest';
import { Assignment, type LossReason } from '../../core/consumer/rebalance/assignment.js';
import { ConsumerEvents } from '../../core/consumer/report/consumer-events.js';
import { parseSubscription } from '../../core/consumer/subscription/subscription.js';
import type { MessageQueue } from '../../core/message/message.js';
import type { Plugin } from '../../core/plugin/plugin.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { systemClock } from '../../core/runtime/system-clock.js';
import { testKit } from '../../core/testing/index.js';

/*
 * A member that stood still, or lost its broker, for so long that others were given its queues stored its old offsets over
 * theirs when it was back, and read everything again from there. Apache's client does so to this day. The group's stored
 * offset is looked at first now. Found by test/consumer/suspended.test.ts.
 */
const QUEUE: MessageQueue = { topic: 't', brokerName: 'a', queueId: 0 };
const subscription = parseSubscription('t', '*', 1);

/** A member that reads a queue of which 10 is the stored offset, and has stored nothing since. */
async function setup() {
  const store = { offset: 10, away: false, reads: 0, stored: [] as number[] };
  const lost: LossReason[] = [];
  const told = { overtaken: 0 };
  let position = 0;
  const assignment = new Assignment({
    group: 'g',
    from: 'first',
    flow: {
      ...{ pullThresholdForQueue: 10, pullThresholdSizeForQueueBytes: 10, consumeConcurrentlyMaxSpan: 10 },
      ...{ pullThresholdForTopic: undefined, pullThresholdSizeForTopicBytes: undefined },
    },
    offsetStore: {
      read: async () => {
        store.reads++;
        if (store.away) throw new Error('the broker is away');
        return store.offset;
      },
      update: (_queue, offset) => {
        position = offset;
      },
      persist: async (queues) => {
        if ((queues ?? []).length === 0) return;
        store.offset = position;
        store.stored.push(position);
      },
      remove: () => undefined,
    },
    queueOffsets: { min: async () => 0, max: async () => 0, atTimestamp: async () => 0 },
    events: new ConsumerEvents('g', systemClock, silentLogger),
    createFeed: () => ({
      ...{ start: () => undefined, stop: () => undefined, pause: () => undefined, resume: () => undefined },
      ...{ lastPullMs: undefined, fullSinceMs: undefined, failingSinceMs: undefined },
    }),
    onLost: (_consumed, why) => void lost.push(why),
    onOvertaken: () => void told.overtaken++,
    logger: silentLogger,
  });
  await assignment.take('t', subscription, [QUEUE]);
  store.reads = 0;
  return { assignment, store, lost, told };
}

test('an offset is stored unasked while nothing came between, and after that when nobody went on', async () => {
  const { assignment, store, lost } = await setup();
  await assignment.commit();
  expect(store).toMatchObject({ reads: 0, stored: [10] });
  assignment.doubt((brokerName) => brokerName === 'another');
  await assignment.commit();
  assignment.doubt((brokerName) => brokerName === 'a');
  await assignment.commit();
  await assignment.commit();
  expect(store).toMatchObject({ reads: 1, stored: [10, 10, 10, 10] });
  expect(lost).toEqual([]);
});

test('where another member went on nothing is stored, and the queue is read anew from there', async () => {
  const { assignment, store, lost, told } = await setup();
  store.offset = 500;
  assignment.doubt(() => true);
  await Promise.all([assignment.commit(), assignment.commit()]);
  expect(store.stored).toEqual([]);
  expect({ lost, told }).toEqual({ lost: ['overtaken'], told: { overtaken: 1 } });
  await assignment.take('t', subscription, [QUEUE]);
  expect(assignment.find(QUEUE)?.processQueue.nextOffset).toBe(500);
});

test('a queue that goes to another member is given back without an offset when that one went on', async () => {
  const { assignment, store, lost, told } = await setup();
  store.offset = 500;
  assignment.doubt(() => true);
  await assignment.take('t', subscription, []);
  expect({ lost, told, stored: store.stored }).toEqual({ lost: ['rebalance'], told: { overtaken: 0 }, stored: [] });
});

test('nothing is stored until the broker can be asked, nor by an answer from before it was lost again', async () => {
  const { assignment, store } = await setup();
  store.away = true;
  assignment.doubt(() => true);
  await assignment.commit();
  expect(store.stored).toEqual([]);
  store.away = false;
  const committing = assignment.commit();
  assignment.doubt(() => true);
  await committing;
  expect(store.stored).toEqual([]);
  await assignment.commit();
  expect(store.stored).toEqual([10]);
});

test('where the application says to begin is stored whatever is stored there', async () => {
  const { assignment, store } = await setup();
  store.offset = 500;
  assignment.doubt(() => true);
  await assignment.move(assignment.consumed[0]!, 3, 'seek');
  expect(store.stored).toEqual([3]);
});

test('a pull consumer that lost its broker goes on behind what others did', async () => {
  const kit = await testKit();
  onTestFinished(() => kit.close());
  const raw: Plugin<(queue: MessageQueue, offset: number) => Promise<unknown>> = {
    name: 'raw',
    setup: (host) => (queue, offset) => {
      const { topic, brokerName, queueId } = queue;
      const ext = { consumerGroup: 'g', topic, queueId, commitOffset: offset };
      return host.invoke({ brokerName, topic }, { code: RequestCode.UPDATE_CONSUMER_OFFSET, ext });
    },
  };
  const [mine, other] = [await kit.connect(), await kit.connect({ plugins: [raw] })];
  const producer = await other.producer({ group: 'shop' });
  await other.admin.createTopic('orders', { queueNum: 1 });
  for (let id = 0; id < 10; id++) await producer.send({ topic: 'orders', body: `${id}` });
  const consumer = await mine.litePullConsumer({
    group: 'g',
    subscribe: { orders: '*' },
    from: 'first',
    pullBatchSize: 1,
  });
  const lost: string[] = [];
  consumer.events$.subscribe((event) => void (event.type === 'queueLost' && lost.push(event.why)));
  await kit.clock.advance('11s');
  const [first] = await consumer.poll({ timeoutMs: 0 });
  expect(first?.queueOffset).toBe(0);
  const [queue] = consumer.assignment();
  kit.cut(mine);
  await other.plugin(raw)(queue!, 8);
  await kit.clock.advance('30s');
  expect(lost).toHaveLength(1);
  const [next] = await consumer.poll({ timeoutMs: 0 });
  expect(next?.queueOffset).toBe(8);
});
