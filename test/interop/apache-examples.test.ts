/**
 * Apache's own examples, 5.5.0, on our server: by what they print, and by what they leave behind. Most of each is waiting:
 * they run side by side, each on a server of its own where it lets itself be told of one.
 */
import { describe, inject, test } from 'vitest';
import { type Client, type ConnectOptions, connect, decodeTraces, type TraceRecord } from '../../core/index.js';
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
import { ANSWERED, PATIENT } from './kit/patience.js';
import { waitFor } from './kit/ports.js';
import { SOON_CHECKED } from './kit/soon-checked.js';

/** What schedule.* ask for. */
const DELAY_MS = 10_000;
/** A timer is reckoned before its message is sent, which by then may have waited that long for its route. */
const BORN_LATER_MS = 3_000;

interface Stage {
  readonly servers: ConnectOptions;
  readonly mq: Client;
  /** Sends a message to each: a Java consumer looks for a topic that it did not find only every 30 s. */
  make(...topics: string[]): Promise<void>;
  example(name: string): Promise<RunningExample>;
}

const TRIES = 6;
let replayed: Promise<unknown> = Promise.resolve();

/**
 * Plays on a server in memory with a client of ours; all of it ends with the play. Examples give up after 3 s, whatever the
 * machine is busy with: where one of them has, and the play failed, it is played again on a new server, with no other that is
 * played again beside it.
 */
async function onStage(play: (stage: Stage) => Promise<void>, options: ServerOptions = {}): Promise<void> {
  let late = await playOnce(play, options);
  for (let tries = 2; late !== undefined; tries++) {
    if (tries > TRIES) throw late;
    console.log(`interop: an example was kept waiting too long, once more: ${late.message.slice(0, 300)}`);
    const turn = replayed.then(() => playOnce(play, options));
    replayed = turn.catch(() => undefined);
    late = await turn;
  }
}

/** Returns why it failed where an example was kept waiting too long. @throws why it failed otherwise */
async function playOnce(play: (stage: Stage) => Promise<void>, options: ServerOptions): Promise<Error | undefined> {
  const ends: (() => Promise<void>)[] = [];
  const examples: RunningExample[] = [];
  try {
    await play(await stageOf(options, examples, ends));
    return undefined;
  } catch (error) {
    if (examples.some(({ wasLate }) => wasLate)) return error as Error;
    throw error;
  } finally {
    await Promise.all(examples.map((one) => one.stop()));
    for (const end of ends.reverse()) await end();
  }
}

async function stageOf(
  options: ServerOptions,
  examples: RunningExample[],
  ends: (() => Promise<void>)[],
): Promise<Stage> {
  const server = await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0, ...options });
  ends.push(() => server.close());
  const servers = { ...PATIENT, nameServers: server.nameServers };
  const mq = await connect(servers);
  ends.push(() => mq.close());
  const producer = await mq.producer({ group: 'makes_topics', ...ANSWERED });
  return {
    servers,
    mq,
    make: async (...topics) => {
      for (const topic of topics) await producer.send({ topic, body: 'x' });
    },
    example: async (name) => {
      const running = await startExample(inject('java'), name, { nameServer: server.nameServers });
      examples.push(running);
      return running;
    },
  };
}

/**
 * What a producer that prints its results has sent, when it has ended: some sends of a machine that is too busy may have
 * taken too long, which it prints and passes over.
 */
async function sentBy(producer: RunningExample, count: number): Promise<readonly PrintedPlace[]> {
  await producer.ended();
  const places = placesSent(producer);
  if (places.length < count * 0.9) {
    const said = `${producer.output.slice(-4_000)}\n${producer.complaints.slice(-4_000)}`;
    throw new Error(`${places.length} of ${count} sent\n${said}`);
  }
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
  const failure = () => (printed.hasFailed ? 'it failed' : undefined);
  await waitFor(`${count} ${what}`, reached, { timeoutMs: 60_000, failure }).catch((error: Error) => {
    const said = `${printed.output.slice(-4_000)}\n${printed.complaints.slice(-4_000)}`;
    throw new Error(`${error.message}, but ${last}\n${said}`);
  });
}

/** Waits until it has printed all of those among them; some may come twice. */
async function reachAll(
  printed: RunningExample,
  places: () => readonly Identified[],
  wanted: readonly Identified[],
): Promise<void> {
  const here = () => {
    const ids = new Set(places().map(({ msgId }) => msgId));
    return wanted.filter(({ msgId }) => ids.has(msgId));
  };
  await reach(printed, here, wanted.length, 'different messages');
}

interface Identified {
  readonly msgId: string;
}

/** Ids of wanted messages that are not among those. The servers run in this process: it must not be busy for long. */
function missingOf(there: readonly Identified[], wanted: readonly Identified[]): string[] {
  const ids = new Set(there.map(({ msgId }) => msgId));
  return wanted.map(({ msgId }) => msgId).filter((id) => !ids.has(id));
}

const idsOf = (places: readonly Identified[]) => places.map(({ msgId }) => msgId).sort();

/** Of each queue the first offset and one past the last, the queues by where they begin. */
const partsOf = (places: readonly PrintedPlace[]) => {
  const parts = new Map<number, readonly [queueId: number, first: number, end: number]>();
  for (const { queueId, queueOffset } of places) {
    const [, first, end] = parts.get(queueId) ?? [queueId, queueOffset, 0];
    parts.set(queueId, [queueId, Math.min(first, queueOffset), Math.max(end, queueOffset + 1)]);
  }
  return [...parts.values()].sort(([, one], [, other]) => one - other);
};

/** One past the last offset of each queue. */
async function lengthsOf(mq: Client, topic: string): Promise<ReadonlyMap<number, number>> {
  const queues = await mq.admin.fetchSubscribeMessageQueues(topic);
  const ends = queues.map(async (queue) => [queue.queueId, await mq.admin.maxOffset(queue)] as const);
  return new Map(await Promise.all(ends));
}

/** How many messages a topic has got. */
async function lengthOf(mq: Client, topic: string): Promise<number> {
  return [...(await lengthsOf(mq, topic)).values()].reduce((sum, end) => sum + end, 0);
}

const HEARD = /Receive message\[msgId=\S+ (\d+) {2}ms later/g;
const NAMESPACE_SENT = /^Topic:NAMESPACE_TOPIC send success, misId is:(\w+)/gm;
const NAMESPACE_GOT = /^Msg topic is:NAMESPACE_TOPIC, MsgId is:(\w+), reconsumeTimes is:0/gm;
const SEND_OK = /SendResult \[sendStatus=SEND_OK, msgId=([\w,]+)/g;

describe.concurrent("Apache's examples on our server:", { timeout: 900_000 }, () => {
  test('schedule.ScheduledMessageProducer and schedule.TimerMessageProducer are heard ten seconds later', ({
    expect,
  }) =>
    onStage(async ({ make, example }) => {
      await make('TestTopic', 'TimerTopic');
      const [levels, timers] = await Promise.all([
        example('schedule.ScheduledMessageConsumer'),
        example('schedule.TimerMessageConsumer'),
      ]);
      await Promise.all([levels.prints(/Receive message/), timers.prints(/Receive message/)]);
      await Promise.all([example('schedule.ScheduledMessageProducer'), example('schedule.TimerMessageProducer')]);
      await reach(levels, () => levels.found(HEARD), 101, 'messages of levels');
      await reach(timers, () => timers.found(HEARD), 11, 'timers');
      // Of timers the consumer prints the time since they were made.
      for (const [, ageMs] of timers.found(HEARD).slice(1)) {
        expect(Number(ageMs)).toBeGreaterThanOrEqual(DELAY_MS - BORN_LATER_MS);
      }
    }));

  describe.sequential('those that know but one name server:', () => {
    const options = { nameServerPort: EXAMPLES_NAME_SERVER_PORT };

    test('rpc.ResponseConsumer replies to rpc.RequestProducer and rpc.AsyncRequestProducer', () =>
      onStage(async ({ make, example }) => {
        await make('RequestTopic');
        const replier = await example('rpc.ResponseConsumer');
        await replier.prints(/^Consumer Started\./m);
        await replier.prints(/Receive New Messages/);
        const askers = await Promise.all([example('rpc.RequestProducer'), example('rpc.AsyncRequestProducer')]);
        for (const asker of askers) {
          await asker.prints(/^request to <RequestTopic> cost: \d+ replyMessage: MessageExt \[.*MSG_TYPE=reply/m);
        }
        await replier.prints(/^reply to \S+ , SendResult \[sendStatus=SEND_OK, .*topic=DefaultCluster_REPLY_TOPIC/m);
      }, options));

    test('namespace.ProducerWithNamespace, namespace.PushConsumerWithNamespace and simple.OnewayProducer', ({
      expect,
    }) =>
      onStage(async ({ servers, example }) => {
        const [producer] = await Promise.all([
          example('namespace.ProducerWithNamespace'),
          example('simple.OnewayProducer'),
        ]);
        const idsIn = (lines: readonly RegExpMatchArray[]) => [...new Set(lines.map(([, id]) => id))].sort();
        const sent = () => idsIn(producer.found(NAMESPACE_SENT));
        await reach(producer, sent, 100, 'results');
        const consumer = await example('namespace.PushConsumerWithNamespace');
        const got = () => idsIn(consumer.found(NAMESPACE_GOT));
        await reach(consumer, got, 100, 'messages');
        expect(got()).toEqual(sent());
        const oneway = await collect(servers, 'TopicTest', 100);
        expect(oneway.map(({ body }) => `${body}`).sort()).toEqual(
          Array.from({ length: 100 }, (_, index) => `Hello RocketMQ ${index}`).sort(),
        );
      }, options));
  });

  test('quickstart.Producer is read by simple.PushConsumer, two of broadcast.PushConsumer and LitePullConsumerSubscribe', ({
    expect,
  }) =>
    onStage(async ({ example }) => {
      const producer = await example('quickstart.Producer');
      const sent = await sentBy(producer, 1_000);
      const consumers = await Promise.all([
        example('simple.PushConsumer'),
        example('broadcast.PushConsumer'),
        example('broadcast.PushConsumer'),
        example('simple.LitePullConsumerSubscribe'),
      ]);
      for (const consumer of consumers) await reachAll(consumer, () => placesReceived(consumer), sent);
      expect(consumers[0]?.output).toMatch(/^Consumer Started\./m);
      expect(consumers[1]?.output).toMatch(/^Broadcast Consumer Started\./m);
    }));

  test('simple.Producer is read by simple.LitePullConsumerAssign: half of the queues, one of them from where it seeks', ({
    expect,
  }) =>
    onStage(async ({ example, mq }) => {
      await sentBy(await example('simple.Producer'), 128);
      const lengths = await lengthsOf(mq, 'TopicTest');
      const consumer = await example('simple.LitePullConsumerAssign');
      const parts = () =>
        partsOf(placesReceived(consumer)).map(([queueId, first, end]) => [first, end === lengths.get(queueId)]);
      await reach(consumer, () => parts().filter(([, isWhole]) => isWhole), 2, 'whole queues');
      expect(parts()).toEqual([
        [0, true],
        [10, true],
      ]);
    }));

  test('simple.Producer is read by simple.LitePullConsumerAssignWithSubExpression, by tag', ({ expect }) =>
    onStage(async ({ make, example, mq }) => {
      await make('TopicTest1');
      await sentBy(await example('simple.Producer'), 128);
      const sender = await mq.producer({ group: 'later', ...ANSWERED });
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
    }));

  test('simple.AsyncProducer, batch.SimpleBatchProducer and batch.SplitBatchProducer', ({ expect }) =>
    onStage(async ({ servers, mq, example }) => {
      const [async, batch] = await Promise.all([example('simple.AsyncProducer'), example('batch.SimpleBatchProducer')]);
      await async.ended();
      const results = async.output.match(/^\d+ +OK \w+/gm) ?? [];
      expect(results.length, async.output.slice(-4_000)).toBeGreaterThanOrEqual(90);
      const bodies = await collect(servers, 'Jodie_topic_1023', results.length);
      expect(new Set(bodies.map(({ body, tag, keys }) => `${body} ${tag} ${keys}`))).toEqual(
        new Set(['Hello world TagA OrderID188']),
      );
      const ids = (producer: RunningExample) =>
        producer.found(SEND_OK).flatMap(([, of = '']) => of.split(',').filter((id) => id !== ''));
      const [, ofBatch = ''] = await batch.prints(
        /SendResult \[sendStatus=SEND_OK, msgId=(\w+,\w+,\w+), .*queueId=\d+\]/,
      );
      const stored = await collect(servers, 'BatchTest', 3);
      expect(stored.map(({ body }) => `${body}`).sort()).toEqual(['Hello world 0', 'Hello world 1', 'Hello world 2']);
      expect(idsOf(stored)).toEqual(ofBatch.split(',').sort());
      const split = await example('batch.SplitBatchProducer');
      // A batch whose answer came too late is sent again.
      await waitFor('100,000 messages', async () => (await lengthOf(mq, 'BatchTest')) >= 100_003);
      await reach(split, () => ids(split), 100_000, 'ids');
      expect(new Set(ids(split)).size).toBe(100_000);
    }));

  test('filter.SqlFilterProducer and filter.SqlFilterConsumer', ({ expect }) =>
    onStage(async ({ example }) => {
      const sent = await sentBy(await example('filter.SqlFilterProducer'), 10);
      expect(sent).toHaveLength(10);
      const consumer = await example('filter.SqlFilterConsumer');
      // Of a = 0 to 3 what is of TagA or TagB.
      const wanted = [0, 1, 3].map((a) => sent[a] as PrintedPlace);
      await reachAll(consumer, () => placesReceived(consumer), wanted);
      expect(missingOf(wanted, placesReceived(consumer))).toEqual([]);
    }));

  test('filter.TagFilterProducer and filter.TagFilterConsumer', ({ expect }) =>
    onStage(async ({ example }) => {
      const producer = await example('filter.TagFilterProducer');
      const sent = await sentBy(producer, 60);
      const consumer = await example('filter.TagFilterConsumer');
      await reach(consumer, () => placesReceived(consumer), sent.length * 0.6, 'messages');
      // Those of TagB are every third: the producer prints no tags.
      expect(consumer.output).not.toContain('TAGS=TagB');
      expect(missingOf(sent, placesReceived(consumer))).toEqual([]);
    }));

  test('ordermessage.Producer sends the orders of an id to one queue, ordermessage.Consumer keeps the order of each', ({
    expect,
  }) =>
    onStage(async ({ example, mq }) => {
      const producer = await example('ordermessage.Producer');
      // They speak of different topics. What is at a multiple of five, and odd, the consumer has come again after 3 s.
      const sender = await mq.producer({ group: 'orders', ...ANSWERED });
      for (let index = 0; index < 14; index++) {
        await sender.send({ topic: 'TopicTest', tag: 'TagA', body: `${index}`, shardingKey: 'one order' });
      }
      const consumer = await example('ordermessage.Consumer');
      await consumer.prints(/^Consumer Started\./m);
      await reach(producer, () => placesSent(producer), 100, 'results');
      const queues = placesSent(producer).map(({ queueId }) => queueId);
      expect(queues).toEqual(queues.map((_, index) => (index % 10) % 4));
      await reach(consumer, () => placesReceived(consumer), 15, 'messages');
      expect(placesReceived(consumer).map(({ queueOffset }) => queueOffset)).toEqual([
        ...[0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
      ]);
    }));

  test('tracemessage.TraceProducer and tracemessage.TracePushConsumer: 128 messages, and a trace of each', ({
    expect,
  }) =>
    onStage(
      async ({ mq, example }) => {
        const producer = await example('tracemessage.TraceProducer');
        const sent = await sentBy(producer, 128);
        const offsetIds = new Map(
          [...producer.output.matchAll(/ msgId=(\w+), offsetMsgId=(\w+)/g)].map(([, id, offsetId]) => [id, offsetId]),
        );
        const consumer = await example('tracemessage.TracePushConsumer');
        const traces: TraceRecord[] = [];
        const subscribe = { RMQ_SYS_TRACE_TOPIC: '*' };
        const reader = await mq.consumer({ group: 'reads_traces', subscribe, from: 'first' });
        await reader.run((message) => void traces.push(...decodeTraces(`${message.body}`).records));
        const pubs = () => traces.filter((record) => record.type === 'Pub' && record.success);
        await reachAll(producer, pubs, sent);
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
        await reachAll(consumer, () => placesReceived(consumer), sent);
      },
      { traceTopicEnable: true },
    ));

  test('transaction.TransactionProducer leaves all open, and commits every third when it is asked', ({ expect }) =>
    onStage(async ({ servers, example }) => {
      const producer = await example('transaction.TransactionProducer');
      await reach(producer, () => producer.found(SEND_OK), 10, 'results');
      // Its listener counts from 0: of three one stays unknown, one is committed, one rolled back.
      const received = await collect(servers, 'TopicTest1234', 3);
      expect(received.map(({ body }) => `${body}`).sort()).toEqual([1, 4, 7].map((index) => `Hello RocketMQ ${index}`));
    }, SOON_CHECKED));
});
