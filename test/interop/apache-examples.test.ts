/**
 * Apache's own examples, 5.5.0, on our server: by what they print, and by what they leave behind. Most of each is waiting:
 * they run side by side, each on a server of its own where it lets itself be told of one.
 */
import { describe, inject, type TestContext, test } from 'vitest';
import {
  type Client,
  type ConnectOptions,
  connect,
  decodeTraces,
  type MessageQueue,
  type TraceRecord,
} from '../../core/index.js';
import { type ServerOptions, startServer } from '../../core/server/index.js';
import { collect } from './kit/collect.js';
import {
  EXAMPLES_NAME_SERVER_PORT,
  type PrintedPlace,
  placesReceived,
  placesSent,
  type RunningExample,
  startExample,
} from './kit/examples.js';
import { waitFor } from './kit/ports.js';
import { SOON_CHECKED } from './kit/soon-checked.js';

/** What schedule.* ask for. */
const DELAY_MS = 10_000;
/** A message is born when it is sent, a little after its instant was reckoned: the first waits for its route in between. */
const BORN_LATER_MS = 1_500;

interface Stage {
  readonly servers: ConnectOptions;
  readonly mq: Client;
  /** Sends a message to each: a Java consumer looks for a topic that it did not find only every 30 s. */
  make(...topics: string[]): Promise<void>;
  example(name: string): Promise<RunningExample>;
}

/** A server in memory with a client of ours; all of it ends with the test. */
async function stage({ onTestFinished }: TestContext, options: ServerOptions = {}): Promise<Stage> {
  const server = await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0, ...options });
  onTestFinished(() => server.close());
  const servers = { nameServers: server.nameServers };
  const mq = await connect(servers);
  onTestFinished(() => mq.close());
  const producer = await mq.producer({ group: 'makes_topics' });
  return {
    servers,
    mq,
    make: async (...topics) => {
      for (const topic of topics) await producer.send({ topic, body: 'x' });
    },
    example: async (name) => {
      const running = await startExample(inject('java'), name, { nameServer: server.nameServers });
      onTestFinished(() => running.stop());
      return running;
    },
  };
}

const patient = { timeoutMs: 60_000 };

/**
 * What a producer that prints its results has sent, when it has ended: some sends of a machine that is too busy may have
 * taken too long, which it prints and passes over.
 */
async function sentBy(producer: RunningExample, count: number): Promise<readonly PrintedPlace[]> {
  await producer.ended();
  const places = placesSent(producer);
  if (places.length < count * 0.9)
    throw new Error(`${places.length} of ${count} sent\n${producer.output.slice(-4_000)}`);
  return places;
}

/** Waits until an example has printed that many. */
async function reach(
  printed: RunningExample,
  places: () => readonly unknown[],
  count: number,
  what: string,
): Promise<void> {
  let last = 0;
  const reached = async () => {
    last = places().length;
    return last >= count;
  };
  await waitFor(`${count} ${what}`, reached, patient).catch((error: Error) => {
    throw new Error(`${error.message}, but ${last}\n${printed.output.slice(-4_000)}`);
  });
}

interface Identified {
  readonly msgId: string;
}

/** Ids of wanted messages that are not among those. The servers run in this process: it must not be busy for long. */
function missingOf(there: readonly Identified[], wanted: readonly Identified[]): string[] {
  const ids = new Set(idsOf(there));
  return idsOf(wanted).filter((id) => !ids.has(id));
}

const idsOf = (places: readonly Identified[]) => places.map(({ msgId }) => msgId).sort();
/** One past the last offset of each queue. */
const lengthsOf = (places: readonly PrintedPlace[]) =>
  new Map(partsOf(places).map(([queueId, , end]) => [queueId, end] as const));

/** Of each queue the first offset and one past the last, the queues by where they begin. */
const partsOf = (places: readonly PrintedPlace[]) => {
  const parts = new Map<number, readonly [queueId: number, first: number, end: number]>();
  for (const { queueId, queueOffset } of places) {
    const [, first, end] = parts.get(queueId) ?? [queueId, queueOffset, 0];
    parts.set(queueId, [queueId, Math.min(first, queueOffset), Math.max(end, queueOffset + 1)]);
  }
  return [...parts.values()].sort(([, one], [, other]) => one - other);
};

/** How many messages a topic has got. */
async function lengthOf(mq: Client, queues: readonly MessageQueue[]): Promise<number> {
  const ends = await Promise.all(queues.map((queue) => mq.admin.maxOffset(queue)));
  return ends.reduce((sum, end) => sum + end, 0);
}

describe.concurrent("Apache's examples on our server:", () => {
  test('schedule.ScheduledMessageProducer and schedule.TimerMessageProducer are heard ten seconds later', async (context) => {
    const { expect } = context;
    const { make, example } = await stage(context);
    await make('TestTopic', 'TimerTopic');
    const [levels, timers] = await Promise.all([
      example('schedule.ScheduledMessageConsumer'),
      example('schedule.TimerMessageConsumer'),
    ]);
    await Promise.all([levels.prints(/Receive message/, patient), timers.prints(/Receive message/, patient)]);
    await Promise.all([example('schedule.ScheduledMessageProducer'), example('schedule.TimerMessageProducer')]);
    const ages = ({ output }: RunningExample): number[] =>
      [...output.matchAll(/Receive message\[msgId=\S+ (\d+) {2}ms later/g)].map(([, ms]) => Number(ms));
    await reach(levels, () => ages(levels), 101, 'messages of levels');
    await reach(timers, () => ages(timers), 11, 'timers');
    // Of timers the consumer prints the time since they were made.
    for (const ageMs of ages(timers).slice(1)) {
      expect(ageMs).toBeGreaterThanOrEqual(DELAY_MS - BORN_LATER_MS);
      expect(ageMs).toBeLessThan(DELAY_MS + 4_000);
    }
  });

  describe.sequential('those that know but one name server:', () => {
    const options = { nameServerPort: EXAMPLES_NAME_SERVER_PORT };

    test('rpc.ResponseConsumer replies to rpc.RequestProducer and rpc.AsyncRequestProducer', async (context) => {
      const { make, example } = await stage(context, options);
      await make('RequestTopic');
      const replier = await example('rpc.ResponseConsumer');
      await replier.prints(/^Consumer Started\./m, patient);
      await replier.prints(/Receive New Messages/, patient);
      const askers = await Promise.all([example('rpc.RequestProducer'), example('rpc.AsyncRequestProducer')]);
      for (const asker of askers) {
        const reply = /^request to <RequestTopic> cost: \d+ replyMessage: MessageExt \[.*MSG_TYPE=reply/m;
        await asker.prints(reply, patient);
      }
      await replier.prints(/^reply to \S+ , SendResult \[sendStatus=SEND_OK, .*topic=DefaultCluster_REPLY_TOPIC/m);
    });

    test('namespace.ProducerWithNamespace, namespace.PushConsumerWithNamespace and simple.OnewayProducer', async (context) => {
      const { expect } = context;
      const { servers, example } = await stage(context, options);
      const [producer] = await Promise.all([
        example('namespace.ProducerWithNamespace'),
        example('simple.OnewayProducer'),
      ]);
      const sent = () => [...producer.output.matchAll(/^Topic:NAMESPACE_TOPIC send success, misId is:(\w+)/gm)];
      await reach(producer, sent, 100, 'results');
      const consumer = await example('namespace.PushConsumerWithNamespace');
      const got = () => [
        ...consumer.output.matchAll(/^Msg topic is:NAMESPACE_TOPIC, MsgId is:(\w+), reconsumeTimes is:0/gm),
      ];
      await reach(consumer, got, 100, 'messages');
      const ids = (lines: readonly RegExpMatchArray[]) => lines.map(([, id]) => id).sort();
      expect(ids(got())).toEqual(ids(sent()));
      const oneway = await collect(servers, 'TopicTest', 100);
      expect(oneway.map(({ body }) => `${body}`).sort()).toEqual(
        Array.from({ length: 100 }, (_, index) => `Hello RocketMQ ${index}`).sort(),
      );
    });
  });

  test('quickstart.Producer is read by simple.PushConsumer, two of broadcast.PushConsumer and LitePullConsumerSubscribe', async (context) => {
    const { expect } = context;
    const { example } = await stage(context);
    const producer = await example('quickstart.Producer');
    const sent = await sentBy(producer, 1_000);
    const consumers = await Promise.all([
      example('simple.PushConsumer'),
      example('broadcast.PushConsumer'),
      example('broadcast.PushConsumer'),
      example('simple.LitePullConsumerSubscribe'),
    ]);
    for (const consumer of consumers) {
      await reach(consumer, () => placesReceived(consumer), sent.length, 'messages');
      expect(missingOf(placesReceived(consumer), sent)).toEqual([]);
    }
    expect(consumers[0]?.output).toMatch(/^Consumer Started\./m);
    expect(consumers[1]?.output).toMatch(/^Broadcast Consumer Started\./m);
  });

  test('simple.Producer is read by simple.LitePullConsumerAssign: half of the queues, one of them from where it seeks', async (context) => {
    const { expect } = context;
    const { example } = await stage(context);
    const lengths = lengthsOf(await sentBy(await example('simple.Producer'), 128));
    const consumer = await example('simple.LitePullConsumerAssign');
    await reach(consumer, () => partsOf(placesReceived(consumer)), 2, 'queues');
    const parts = () =>
      partsOf(placesReceived(consumer)).map(([queueId, first, end]) => [first, end === lengths.get(queueId)]);
    await reach(consumer, () => parts().filter(([, isWhole]) => isWhole), 2, 'whole queues');
    expect(parts()).toEqual([
      [0, true],
      [10, true],
    ]);
  });

  test('simple.Producer is read by simple.LitePullConsumerAssignWithSubExpression, by tag', async (context) => {
    const { expect } = context;
    const { make, example, mq } = await stage(context);
    await make('TopicTest1');
    await sentBy(await example('simple.Producer'), 128);
    const sender = await mq.producer({ group: 'later' });
    const lengths = new Map<number, number>();
    for (const queue of await sender.fetchPublishMessageQueues('TopicTest')) {
      for (const tag of ['TagB', 'TagA']) {
        const { queueOffset = 0 } = await sender.send({ topic: 'TopicTest', tag, body: 'later' }, { queue });
        lengths.set(queue.queueId, queueOffset + 1);
      }
    }
    const consumer = await example('simple.LitePullConsumerAssignWithSubExpression');
    const parts = () =>
      partsOf(placesReceived(consumer).filter(({ topic }) => topic === 'TopicTest')).map(([queueId, first, end]) => [
        ...[first, end === lengths.get(queueId)],
      ]);
    await reach(consumer, () => parts().filter(([, isWhole]) => isWhole), 4, 'whole queues');
    expect(parts()).toEqual([...[0, 0, 0].map((first) => [first, true]), [10, true]]);
    expect(consumer.output).not.toContain('TAGS=TagB');
  });

  test('simple.AsyncProducer, batch.SimpleBatchProducer and batch.SplitBatchProducer', async (context) => {
    const { expect } = context;
    const { servers, mq, example } = await stage(context);
    const [async, batch] = await Promise.all([example('simple.AsyncProducer'), example('batch.SimpleBatchProducer')]);
    await async.ended();
    const results = async.output.match(/^\d+ +OK \w+/gm) ?? [];
    expect(results.length, async.output.slice(-4_000)).toBeGreaterThanOrEqual(90);
    const bodies = await collect(servers, 'Jodie_topic_1023', results.length);
    expect(new Set(bodies.map(({ body, tag, keys }) => `${body} ${tag} ${keys}`))).toEqual(
      new Set(['Hello world TagA OrderID188']),
    );
    const ids = ({ output }: RunningExample) =>
      [...output.matchAll(/SendResult \[sendStatus=SEND_OK, msgId=([\w,]+)/g)].flatMap(([, of = '']) =>
        of.split(',').filter((id) => id !== ''),
      );
    await reach(batch, () => ids(batch), 3, 'ids');
    const stored = await collect(servers, 'BatchTest', 3);
    expect(stored.map(({ body }) => `${body}`).sort()).toEqual(['Hello world 0', 'Hello world 1', 'Hello world 2']);
    expect(idsOf(stored)).toEqual(ids(batch).sort());
    const split = await example('batch.SplitBatchProducer');
    const queues = await (await mq.producer({ group: 'counts' })).fetchPublishMessageQueues('BatchTest');
    await waitFor('100,000 messages', async () => (await lengthOf(mq, queues)) === 100_003);
    await reach(split, () => ids(split), 100_000, 'ids');
    await split.stop();
    expect(new Set(ids(split)).size).toBe(100_000);
  });

  test('filter.SqlFilterProducer and filter.SqlFilterConsumer', async (context) => {
    const { expect } = context;
    const { example } = await stage(context);
    const producer = await example('filter.SqlFilterProducer');
    await producer.ended();
    const consumer = await example('filter.SqlFilterConsumer');
    // Of a = 0 to 3 what is of TagA or TagB.
    const wanted = [0, 1, 3].map((a) => placesSent(producer)[a]?.msgId).sort();
    await reach(consumer, () => placesReceived(consumer), wanted.length, 'messages');
    expect(idsOf(placesReceived(consumer))).toEqual(wanted);
  });

  test('filter.TagFilterProducer and filter.TagFilterConsumer', async (context) => {
    const { expect } = context;
    const { example } = await stage(context);
    const producer = await example('filter.TagFilterProducer');
    const sent = await sentBy(producer, 60);
    const consumer = await example('filter.TagFilterConsumer');
    await reach(consumer, () => placesReceived(consumer), sent.length * 0.6, 'messages');
    // Those of TagB are every third: the producer prints no tags.
    expect(consumer.output).not.toContain('TAGS=TagB');
    expect(missingOf(sent, placesReceived(consumer))).toEqual([]);
  });

  test('ordermessage.Producer sends the orders of an id to one queue, ordermessage.Consumer keeps the order of each', async (context) => {
    const { expect } = context;
    const { example, mq } = await stage(context);
    const producer = await example('ordermessage.Producer');
    // They speak of different topics. What is at a multiple of five, and odd, the consumer has come again after 3 s.
    const sender = await mq.producer({ group: 'orders' });
    for (let index = 0; index < 14; index++) {
      await sender.send({ topic: 'TopicTest', tag: 'TagA', body: `${index}`, shardingKey: 'one order' });
    }
    const consumer = await example('ordermessage.Consumer');
    await consumer.prints(/^Consumer Started\./m, patient);
    await reach(producer, () => placesSent(producer), 100, 'results');
    const queues = placesSent(producer).map(({ queueId }) => queueId);
    expect(queues).toEqual(queues.map((_, index) => (index % 10) % 4));
    await reach(consumer, () => placesReceived(consumer), 15, 'messages');
    expect(placesReceived(consumer).map(({ queueOffset }) => queueOffset)).toEqual([
      ...[0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    ]);
  });

  test('tracemessage.TraceProducer and tracemessage.TracePushConsumer: 128 messages, and a trace of each', async (context) => {
    const { expect } = context;
    const { servers, example } = await stage(context, { traceTopicEnable: true });
    const producer = await example('tracemessage.TraceProducer');
    const sent = await sentBy(producer, 128);
    const offsetIds = new Map(
      [...producer.output.matchAll(/ msgId=(\w+), offsetMsgId=(\w+)/g)].map(([, id, offsetId]) => [id, offsetId]),
    );
    const consumer = await example('tracemessage.TracePushConsumer');
    const traces: TraceRecord[] = [];
    const mq = await connect(servers);
    context.onTestFinished(() => mq.close());
    const subscribe = { RMQ_SYS_TRACE_TOPIC: '*' };
    const reader = await mq.consumer({ group: 'reads_traces', subscribe, from: 'first' });
    await reader.run((message) => void traces.push(...decodeTraces(`${message.body}`).records));
    const pubs = () => traces.filter((record) => record.type === 'Pub' && record.success);
    await reach(producer, pubs, sent.length, 'traces');
    expect(missingOf(pubs(), sent)).toEqual([]);
    for (const pub of pubs()) {
      expect(pub).toMatchObject({
        topic: 'TopicTest',
        group: 'ProducerGroupName',
        tag: 'TagA',
        keys: 'OrderID188',
        regionId: 'DefaultRegion',
        bodyLengthBytes: 11,
        offsetMsgId: offsetIds.get(pub.msgId),
      });
    }
    // Of messages without a region, as brokers 4.9 and ours store them, a 5.x consumer leaves no trace.
    await reach(consumer, () => placesReceived(consumer), sent.length, 'messages');
    expect(missingOf(placesReceived(consumer), sent)).toEqual([]);
  });

  test('transaction.TransactionProducer leaves all open, and commits every third when it is asked', async (context) => {
    const { expect } = context;
    const { servers, example } = await stage(context, SOON_CHECKED);
    const producer = await example('transaction.TransactionProducer');
    await reach(producer, () => producer.output.match(/SendResult \[sendStatus=SEND_OK/g) ?? [], 10, 'results');
    // Its listener counts from 0: of three one stays unknown, one is committed, one rolled back.
    const received = await collect(servers, 'TopicTest1234', 3);
    expect(received.map(({ body }) => `${body}`).sort()).toEqual([1, 4, 7].map((index) => `Hello RocketMQ ${index}`));
  });
});
