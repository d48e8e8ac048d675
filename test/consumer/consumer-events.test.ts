import { map } from 'rxjs';
import { expect, expectTypeOf, test } from 'vitest';
import type { ConsumedMessage, SubscribedMessage } from '../../core/consumer/delivery/consumed-message.js';
import { connect } from '../../core/container/connect.js';
import { json } from '../../core/message/json-codec.js';
import type { ReceivedMessage } from '../../core/message/message.js';
import { topic } from '../../core/message/typed-topic.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { ResponseCode } from '../../core/remoting/protocol/response-codes.js';
import { startServer } from '../../core/server/index.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { answerOf, FakeBroker, type Script } from './kit/fake-broker.js';
import { eventsOf, fakeClient } from './kit/fake-client.js';

function setup() {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', 1);
  broker.setOffset('billing', 'orders', 0, 0);
  return { clock, broker, client: fakeClient(broker, clock) };
}

test('events tell a message’s way, with time and group, and complete with close', async () => {
  const { broker, client, clock } = setup();
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
  const events = eventsOf(consumer);
  let completed = false;
  consumer.events$.subscribe({ complete: () => (completed = true) });
  await clock.advance(250);
  await consumer.run(async () => undefined);
  broker.put('orders', 0);
  await waitFor(() => events.some(({ type }) => type === 'handled'));
  await consumer.close();
  expect(events.map(({ type }) => type)).toEqual([
    'queueAssigned',
    'rebalanced',
    'started',
    'pulled',
    'handled',
    'committed',
    'closed',
  ]);
  expect(events.every(({ group, atMs }) => group === 'billing' && atMs === 250)).toBe(true);
  expect(events[4]).toMatchObject({ queueOffset: 0, msgId: 'orders/0/0', attempt: 0, queue: { queueId: 0 } });
  expect(completed).toBe(true);
});

test('a subscriber that throws is dropped and reported, also behind pipe, and harms nothing', async () => {
  const { broker, client } = setup();
  broker.put('orders', 0);
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
  let calls = 0;
  const broken = (): void => {
    calls++;
    throw new Error('dashboard broken');
  };
  consumer.events$.subscribe(broken);
  consumer.events$.pipe(map(({ type }) => type)).subscribe(broken);
  const got: ReceivedMessage[] = [];
  await consumer.run((message) => void got.push(message));
  await waitFor(() => got.length === 1);
  expect(calls).toBe(2);
  expect(
    client.log.filter(({ level, message }) => level === 'error' && message.includes('consumer.events$')),
  ).toHaveLength(2);
});

const connectionsSay =
  (subscriptionTable: object): Script =>
  ({ command }) =>
    command.code === RequestCode.GET_CONSUMER_CONNECTION_LIST
      ? { ...answerOf(0), body: Buffer.from(JSON.stringify({ subscriptionTable })) }
      : undefined;

test('a member that subscribes to something else is told about loudly, once', async () => {
  const { broker, client, clock } = setup();
  broker.script = connectionsSay({ orders: { topic: 'orders', subString: 'paid', tagsSet: ['paid'] } });
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: 'created' } });
  const events = eventsOf(consumer);
  await consumer.run(() => undefined);
  broker.join('billing', 'c2', () => undefined);
  await clock.advance(60_000);
  const conflicts = events.filter(({ type }) => type === 'subscriptionConflict');
  expect(conflicts).toMatchObject([{ topic: 'orders', ours: 'created', theirs: 'paid' }]);
  expect(client.log.filter(({ level }) => level === 'error')).toHaveLength(1);
});

test('members that agree, and brokers that cannot tell, cause no noise', async () => {
  const { broker, client, clock } = setup();
  broker.script = connectionsSay({ orders: { topic: 'orders', subString: 'b||a', tagsSet: ['b', 'a'] } });
  await client.consumer({ group: 'billing', subscribe: { orders: 'a || b' } }).run(() => undefined);
  broker.join('billing', 'c2', () => undefined);
  await clock.advance(20_000);
  broker.script = ({ command }) =>
    command.code === RequestCode.GET_CONSUMER_CONNECTION_LIST
      ? answerOf(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, {}, 'not supported')
      : undefined;
  const asked = () =>
    broker.requests.filter(({ command }) => command.code === RequestCode.GET_CONSUMER_CONNECTION_LIST).length;
  const before = asked();
  expect(before).toBeGreaterThan(0);
  broker.join('billing', 'c3', () => undefined);
  await clock.advance(60_000);
  expect(asked()).toBe(before + 1);
  expect(client.log.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a member that agreed once is told when another subscribes anew, though no member comes or goes, each difference once', async () => {
  const { broker, client, clock } = setup();
  const agreed = { subVersion: clock.now() + 1, tagsSet: ['created'], subString: 'created' };
  broker.script = connectionsSay({ orders: agreed });
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: 'created' } });
  const events = eventsOf(consumer);
  await consumer.run(() => undefined);
  broker.join('billing', 'c2', () => undefined);
  await clock.advance(20_000);
  const theirs = () => events.flatMap((event) => (event.type === 'subscriptionConflict' ? [event.theirs] : []));
  expect(theirs()).toEqual([]);
  broker.script = connectionsSay({ orders: { subVersion: clock.now(), tagsSet: ['paid'], subString: 'paid' } });
  await clock.advance(60_000);
  expect(theirs()).toEqual(['paid']);
  broker.script = connectionsSay({ audit: { subVersion: clock.now(), tagsSet: [], subString: '*' } });
  await clock.advance(60_000);
  expect(theirs()).toEqual(['paid', undefined]);
  // As before the broker had heard of this member.
  broker.script = connectionsSay({ orders: { subVersion: 1, tagsSet: ['old'], subString: 'old' } });
  await clock.advance(20_000);
  expect(theirs()).toHaveLength(2);
  await consumer.subscribe('orders', 'paid');
  broker.script = connectionsSay({ orders: { subVersion: clock.now(), tagsSet: ['paid'], subString: 'paid' } });
  await clock.advance(20_000);
  expect(theirs()).toHaveLength(2);
});

test('a member whose subscription is the one that the broker keeps asks the others, once for as long as they stay', async () => {
  const { broker, client, clock } = setup();
  const same = { topic: 'orders', subVersion: clock.now(), tagsSet: ['created'], subString: 'created' };
  const kept = connectionsSay({ orders: same });
  const said: Readonly<Record<string, readonly object[]>> = {
    c2: [{ ...same, subVersion: 1 }],
    c3: [{ ...same, subVersion: 1, tagsSet: ['paid'], subString: 'paid' }],
    c4: [{ ...same, topic: 'audit' }],
  };
  const asked: string[] = [];
  broker.script = (request) => {
    if (request.command.code !== RequestCode.GET_CONSUMER_RUNNING_INFO) return kept(request);
    const { clientId = '' } = request.ext;
    asked.push(clientId);
    const subscriptionSet = said[clientId];
    if (subscriptionSet === undefined) return answerOf(ResponseCode.SYSTEM_ERROR, {}, 'too old to tell');
    return { ...answerOf(0), body: Buffer.from(JSON.stringify({ subscriptionSet })) };
  };
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: 'created' } });
  const events = eventsOf(consumer);
  await consumer.run(() => undefined);
  for (const id of ['c2', 'c3', 'c4', 'c5']) broker.join('billing', id, () => undefined);
  await clock.advance(60_000);
  const conflicts = events.filter(({ type }) => type === 'subscriptionConflict');
  expect(conflicts).toMatchObject([{ theirs: 'paid' }, { theirs: undefined }]);
  expect(asked.slice(-4).sort()).toEqual(['c2', 'c3', 'c4', 'c5']);
  const before = asked.length;
  await clock.advance(60_000);
  expect(asked).toHaveLength(before);
  for (let id = 10; id < 20; id++) broker.join('billing', `c${id}`, () => undefined);
  await clock.advance(40_000);
  expect(asked.slice(before).filter((id) => id === 'c19')).toHaveLength(1);
});

test('members with different topics are both told, by a server that keeps the newest only', async () => {
  const server = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  const member = async (topic: string) => {
    const mq = closeAfterTest(await connect({ nameServers: server.nameServers }));
    await (await mq.producer({ group: `${topic}-shop` })).send({ topic, body: 'x' });
    const consumer = await mq.consumer({ group: 'billing', subscribe: { [topic]: '*' } });
    const events = eventsOf(consumer);
    await consumer.run(() => undefined);
    return events;
  };
  const older = await member('orders');
  const newer = await member('audit');
  for (const events of [older, newer]) {
    await waitFor(() => events.some(({ type }) => type === 'subscriptionConflict'), { what: 'the conflict' });
  }
  const conflictOf = (events: typeof older) => events.find(({ type }) => type === 'subscriptionConflict');
  expect(conflictOf(older)).toMatchObject({ topic: 'orders', ours: '*', theirs: undefined });
  expect(conflictOf(newer)).toMatchObject({ topic: 'audit', ours: '*', theirs: undefined });
});

test('messages are typed by what was subscribed to', () => {
  const orders = topic('orders', json<{ id: number }>());
  const payments = topic('payments', json<{ amount: string }>());
  const { client } = setup();
  const consumer = client.consumer({ group: 'g1', subscribe: [orders, [payments, 'paid']] });
  type Handled = Parameters<Parameters<typeof consumer.runBatch>[0]>[0][number];
  expectTypeOf<Handled>().toEqualTypeOf<ConsumedMessage<{ id: number } | { amount: string }>>();
  expectTypeOf<SubscribedMessage<{ orders: string }>['value']>().toEqualTypeOf<unknown>();
  expectTypeOf<SubscribedMessage<readonly ['orders', typeof orders]>['value']>().toEqualTypeOf<unknown>();
  expectTypeOf<SubscribedMessage<ReadonlyMap<typeof orders, string>>['value']>().toEqualTypeOf<{ id: number }>();
  expect(consumer.describe()).toBe(
    ['consumer g1: created', '  topic orders: *', '  topic payments: paid', '  delivery: handler, 20 at one time'].join(
      '\n',
    ),
  );
});

test('delivery interceptors see what a consumer delivers, in their order, and one that breaks does not lose the message', async () => {
  const { broker, clock } = setup();
  broker.put('orders', 0);
  const steps: string[] = [];
  let broken = true;
  const { consumer: create } = fakeClient(broker, clock, {
    services: {
      deliveryAttachments: [
        {
          plugin: 'inner',
          order: undefined,
          create: () => (context, next) => {
            steps.push(`inner ${context.attempt}`);
            if (broken) throw new Error('not yet');
            return next(context);
          },
        },
        {
          plugin: 'outer',
          order: { before: ['inner'] },
          create:
            ({ group }) =>
            (context, next) => {
              steps.push(`outer ${group} ${context.messages[0]?.msgId}`);
              return next(context).pipe(
                map((outcome) => {
                  steps.push(outcome.kind);
                  return outcome;
                }),
              );
            },
        },
        { plugin: 'absent', order: undefined, create: () => undefined },
      ],
    },
  });
  const consumer = create({ group: 'billing', subscribe: { orders: '*' }, handlerRetry: { attempts: 1 } });
  const events = eventsOf(consumer);
  const got: string[] = [];
  await consumer.run((message) => void got.push(message.msgId));
  expect(consumer.describe()).toContain('delivery: outer → inner → handler');
  await waitFor(() => steps.length === 3);
  expect(events.find(({ type }) => type === 'failed')).toMatchObject({
    error: { code: 'RMQ_PLUGIN_FAILED', plugin: 'inner' },
  });
  broken = false;
  await clock.advance(1_000);
  expect(got).toEqual(['orders/0/0']);
  expect(steps).toEqual(['outer billing orders/0/0', 'inner 0', 'retry', 'outer billing orders/0/0', 'inner 1', 'ack']);
  await clock.advance(5_000);
  expect(broker.offsetOf('billing', 'orders', 0)).toBe(1);
});
