import { expect, test } from 'vitest';
import { ClientMembership } from '../../core/client/client-membership.js';
import { type ConsumerMember, connect, type Plugin } from '../../core/index.js';
import { createRemotingClient } from '../../core/remoting/client.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import type { RouteTable } from '../../core/routing/route-table.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { type VirtualClock, virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { fakeBroker, fakeCluster, fakeNameServer } from './fake-cluster.js';

type Broker = Awaited<ReturnType<typeof fakeBroker>>;

const consumer = (group: string): ConsumerMember => ({
  group,
  consumeType: 'CONSUME_PASSIVELY',
  messageModel: 'CLUSTERING',
  consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
  unitMode: false,
  subscriptions: () => [
    { topic: 'T', subString: 'a || b', tagsSet: ['a', 'b'], codeSet: [97, 98], subVersion: 7, expressionType: 'TAG' },
  ],
});

/** A membership on brokers that the test lists; time stands still unless the test moves it. */
function setup(brokers: { brokerName: string; brokerId: number; address: string }[]) {
  const clock: VirtualClock = virtualClock();
  const warnings: unknown[] = [];
  const listeners: ((topic: string) => void)[] = [];
  const remoting = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
  const routes: Pick<RouteTable, 'brokers' | 'brokerAddress' | 'onChange'> = {
    brokers: () => brokers,
    brokerAddress: (name, id = 0) =>
      brokers.find(({ brokerName, brokerId }) => brokerName === name && brokerId === id)?.address,
    onChange: (listener) => {
      listeners.push(listener);
      return () => {};
    },
  };
  const membership = closeAfterTest(
    new ClientMembership({
      clientId: 'ip@name',
      routes: routes as RouteTable,
      remoting,
      clock,
      logger: { ...silentLogger, warn: (message) => warnings.push(message) },
      timeoutMs: 1000,
      heartbeatIntervalMs: 30_000,
    }),
  );
  const changed = (): void => {
    for (const listener of listeners) listener('T');
  };
  return { membership, clock, warnings, changed, remoting };
}

const as = (broker: Broker, brokerId: number) => ({ brokerName: broker.name, brokerId, address: broker.address });

test('a producer tells masters only, a consumer tells every broker, what it is and wants', async () => {
  const [master, slave] = [await fakeBroker('a'), await fakeBroker('a')];
  const { membership } = setup([as(master, 0), as(slave, 1)]);
  membership.joinProducer('p');
  await membership.heartbeat();
  expect(master.heartbeats).toEqual([
    { clientID: 'ip@name', producerDataSet: [{ groupName: 'p' }], consumerDataSet: [] },
  ]);
  expect(slave.heartbeats).toEqual([]);
  membership.joinConsumer(consumer('c'));
  await membership.heartbeat();
  expect(slave.heartbeats).toMatchObject([
    {
      producerDataSet: [{ groupName: 'p' }],
      consumerDataSet: [
        {
          groupName: 'c',
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
          unitMode: false,
          subscriptionDataSet: [
            { topic: 'T', subString: 'a || b', tagsSet: ['a', 'b'], codeSet: [97, 98], subVersion: 7 },
          ],
        },
      ],
    },
  ]);
});

test('joining in one turn is one heartbeat, and without a group there is none', async () => {
  const broker = await fakeBroker('a');
  const { membership } = setup([as(broker, 0)]);
  await membership.heartbeat();
  membership.joinProducer('p');
  membership.joinProducer('q');
  await membership.heartbeat();
  expect(broker.heartbeats.map((data) => data.producerDataSet)).toEqual([[{ groupName: 'p' }, { groupName: 'q' }]]);
});

test('a group is joined once as a producer and once as a consumer', () => {
  const { membership } = setup([]);
  membership.joinProducer('g');
  membership.joinConsumer(consumer('g'));
  expect(() => membership.joinProducer('g')).toThrow(
    expect.objectContaining({ code: 'RMQ_GROUP_DUPLICATE', group: 'g' }),
  );
  expect(() => membership.joinConsumer(consumer('g'))).toThrow(/has a consumer of the group g already/);
});

test('leaving is told to the brokers that were told of joining, and frees the group', async () => {
  const [told, stranger] = [await fakeBroker('a'), await fakeBroker('b')];
  const brokers = [as(told, 0)];
  const { membership } = setup(brokers);
  membership.joinProducer('g');
  membership.joinConsumer(consumer('c'));
  await membership.heartbeat();
  brokers.push(as(stranger, 0));
  await membership.leave('g', 'producer');
  await membership.leave('g', 'producer');
  await membership.leave('c', 'consumer');
  expect(told.farewells).toEqual([
    { clientID: 'ip@name', producerGroup: 'g' },
    { clientID: 'ip@name', consumerGroup: 'c' },
  ]);
  expect(stranger.farewells).toEqual([]);
  membership.joinProducer('g');
});

test('the version that a broker answers with is kept', async () => {
  const broker = await fakeBroker('a');
  const { membership } = setup([as(broker, 0)]);
  expect(membership.brokerVersion('a')).toBeUndefined();
  membership.joinProducer('g');
  await membership.heartbeat();
  expect(membership.brokerVersion('a')).toBe(407);
});

test('whoever needs the version of a broker that has not answered yet has it asked', async () => {
  const broker = await fakeBroker('a');
  const { membership } = setup([as(broker, 0)]);
  membership.joinProducer('g');
  const asked = Array.from({ length: 20 }, () => membership.loadBrokerVersion('a'));
  expect(new Set(await Promise.all(asked))).toEqual(new Set([407]));
  // One for all of them, and the one that joining sends.
  expect(broker.heartbeats.length).toBeLessThanOrEqual(2);
  expect(membership.brokerVersion('a')).toBe(407);
  const heard = broker.heartbeats.length;
  expect(await membership.loadBrokerVersion('a')).toBe(407);
  expect(broker.heartbeats).toHaveLength(heard);
  await expect(membership.loadBrokerVersion('b')).rejects.toMatchObject({ code: 'RMQ_BROKER_NOT_FOUND', broker: 'b' });
  expect(membership.brokerVersion('b')).toBeUndefined();
});

test('why the version could not be learnt is told', async () => {
  const broker = await fakeBroker('a');
  broker.behaviour.heartbeat = { code: 2, remark: 'busy' };
  const { membership } = setup([as(broker, 0)]);
  membership.joinProducer('g');
  await expect(membership.loadBrokerVersion('a')).rejects.toMatchObject({ code: 'RMQ_BROKER_ERROR', responseCode: 2 });
});

test('a broker that routes name for the first time hears of us at once, others not again', async () => {
  const [known, fresh] = [await fakeBroker('a'), await fakeBroker('b')];
  const brokers = [as(known, 0)];
  const { membership, changed, clock } = setup(brokers);
  membership.joinProducer('g');
  await membership.heartbeat();
  brokers.push(as(fresh, 0));
  changed();
  await clock.advance(0);
  await fresh.heard(1);
  expect(known.heartbeats).toHaveLength(1);
});

test('a broker that came back to the routes hears of us at once: its connection was closed when it had left them', async () => {
  const broker = await fakeBroker('a');
  const brokers = [as(broker, 0)];
  const { membership, changed, clock, remoting } = setup(brokers);
  membership.joinProducer('g');
  await membership.heartbeat();
  expect(membership.brokerVersion('a')).toBe(407);
  brokers.length = 0;
  remoting.retainAddresses(() => false);
  membership.retain(() => false);
  brokers.push(as(broker, 0));
  expect(membership.brokerVersion('a')).toBeUndefined();
  changed();
  await clock.advance(0);
  await broker.heard(2);
});

test('a broker that refuses a heartbeat is asked again after a pause that doubles', async () => {
  const broker = await fakeBroker('a');
  broker.behaviour.heartbeat = { code: 2, remark: 'busy' };
  const { membership, changed, clock, warnings } = setup([as(broker, 0)]);
  membership.joinProducer('g');
  await membership.heartbeat();
  changed();
  for (const [pauseMs, heartbeats] of [
    [0, 2],
    [1000, 3],
    [2000, 4],
  ] as const) {
    await waitFor(() => clock.timers > 0, { what: 'the next greeting' });
    await clock.advance(pauseMs);
    await broker.heard(heartbeats);
  }
  broker.behaviour.heartbeat = { code: 0 };
  await waitFor(() => clock.timers > 0);
  await clock.advance(4000);
  await broker.heard(5);
  await waitFor(() => membership.brokerVersion('a') === 407);
  expect(clock.timers).toBe(0);
  expect(warnings).toHaveLength(4);
});

test('a broker whose connection was lost hears of us again soon', async () => {
  const broker = await fakeBroker('a');
  const { membership, clock } = setup([as(broker, 0)]);
  membership.joinProducer('g');
  await membership.heartbeat();
  for (const connection of broker.connections) connection.close();
  await waitFor(() => clock.timers > 0);
  await clock.advance(1000);
  await broker.heard(2);
});

test('a broker that cannot be reached rejects nobody', async () => {
  const { membership, warnings } = setup([{ brokerName: 'a', brokerId: 0, address: '127.0.0.1:1' }]);
  membership.joinProducer('g');
  await membership.heartbeat();
  await membership.leave('g', 'producer');
  expect(warnings).toEqual(['a broker did not take the heartbeat']);
});

/*
 * A broker works on requests side by side, and its threads may take the farewell first: then the heartbeat brings the member
 * back. Apache's takes it in even when the connection has ended by then, and for two minutes others left its queues to it.
 */
test('a group that leaves while its heartbeat is on its way is taken back when that is answered', async () => {
  const broker = await fakeBroker('a');
  let answer = (): void => {};
  broker.behaviour.heartbeat = new Promise((resolve) => {
    answer = () => resolve({ code: 0 });
  });
  const { membership, remoting } = setup([as(broker, 0)]);
  membership.joinProducer('g');
  await broker.heard(1);
  const leaving = membership.leave('g', 'producer');
  // Over the same connection: whatever left before it is there.
  await remoting.invoke(broker.address, { code: 999 }, { timeoutMs: 5_000 });
  expect(broker.farewells).toEqual([]);
  answer();
  await leaving;
  expect(broker.farewells).toHaveLength(1);
});

test('a heartbeat that a broker does not answer holds a farewell up no longer than a farewell may take', async () => {
  const broker = await fakeBroker('a');
  let answer = (): void => {};
  broker.behaviour.heartbeat = new Promise((resolve) => {
    answer = () => resolve({ code: 0 });
  });
  const { membership, clock } = setup([as(broker, 0)]);
  membership.joinProducer('g');
  await broker.heard(1);
  membership.closeBy(clock.monotonic() + 300);
  const leaving = membership.leave('g', 'producer');
  await clock.advance(300);
  await leaving;
  expect(broker.farewells).toHaveLength(1);
  answer();
});

test('a broker that refuses a farewell is logged and rejects nobody', async () => {
  const broker = await fakeBroker('a');
  broker.server.process(35, () => ({ code: 1, remark: 'no' }));
  const { membership, warnings } = setup([as(broker, 0)]);
  membership.joinProducer('g');
  await membership.heartbeat();
  await membership.leave('g', 'producer');
  expect(warnings).toEqual(['a broker could not be told that a group left']);
});

test('a subscription that throws leaves the heartbeat out and is logged', async () => {
  const broker = await fakeBroker('a');
  const { membership } = setup([as(broker, 0)]);
  membership.joinConsumer({
    ...consumer('c'),
    subscriptions: () => {
      throw new Error('mine');
    },
  });
  await membership.heartbeat();
  expect(broker.heartbeats).toEqual([]);
});

test('a client sends heartbeats and refreshes routes every 30 s, and lets go of brokers that left', async () => {
  const clock = virtualClock();
  const { nameServers, nameServer, broker } = await fakeCluster();
  const second = await fakeBroker('broker-b');
  const mq = closeAfterTest(await connect({ nameServers, clock }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'x' });
  await clock.advance(0);
  await broker.heard(1);
  nameServer.routes.set('T', second.route());
  const asked = nameServer.requests.length;
  await clock.advance(30_000);
  await waitFor(() => nameServer.requests.length > asked);
  await second.heard(1);
  await clock.advance(30_000);
  await second.heard(2);
  await waitFor(() => broker.connections.size === 0, { what: 'the connection to the broker that left to close' });
});

test('a group that a plugin registers is known to brokers until it leaves', async () => {
  const nameServer = await fakeNameServer();
  const broker = await fakeBroker('a');
  nameServer.routes.set('T', broker.route());
  const known: Plugin<() => Promise<void>> = {
    name: 'known',
    setup(host) {
      let leave = (): Promise<void> => Promise.resolve();
      host.onStart(() => {
        const group = host.registerGroup({ producer: 'tx' });
        leave = () => group.leave();
      });
      return () => leave();
    },
  };
  const mq = closeAfterTest(await connect({ nameServers: nameServer.address, plugins: [known] }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'x' });
  await broker.heard(1);
  expect(broker.heartbeats[0]?.producerDataSet).toEqual([{ groupName: 'tx' }, { groupName: 'g' }]);
  await mq.plugin(known)();
  expect(broker.farewells).toEqual([{ clientID: mq.clientId, producerGroup: 'tx' }]);
});
