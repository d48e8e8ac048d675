import { describe, expect, test } from 'vitest';
import type { TopicConfig } from '../../../core/remoting/protocol/topic-config.js';
import { type Registration, RouteInfo } from '../../../core/server/nameserver/route-info.js';
import { FakeConnection } from '../kit/requests.js';

function topic(topicName: string, queueNums = 4, perm = 6): TopicConfig {
  return {
    topicName,
    readQueueNums: queueNums,
    writeQueueNums: queueNums,
    perm,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  };
}

function registration(more: Partial<Registration> = {}): Registration {
  return {
    clusterName: 'C',
    brokerName: 'a',
    brokerId: 0,
    brokerAddr: '10.0.0.1:10911',
    haServerAddr: '10.0.0.1:10912',
    dataVersion: { timestamp: 1, counter: 1 },
    topics: [topic('orders')],
    ...more,
  };
}

const SLAVE = {
  brokerId: 1,
  brokerAddr: '10.0.0.2:10911',
  haServerAddr: '10.0.0.2:10912',
  topics: [topic('slave-only')],
};

describe('a registration', () => {
  test('makes topic, broker and cluster known', () => {
    const routes = new RouteInfo();
    expect(routes.register(registration(), new FakeConnection(), 0)).toEqual({});
    expect(routes.route('orders')).toEqual({
      queues: [{ brokerName: 'a', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
      brokers: [{ cluster: 'C', brokerName: 'a', addresses: new Map([[0, '10.0.0.1:10911']]) }],
    });
    expect(routes.clusters).toEqual(new Map([['C', new Set(['a'])]]));
    expect(routes.topicsOfCluster('C')).toEqual(['orders']);
    expect(routes.topicsOfCluster('D')).toEqual([]);
    expect(routes.route('nothing')).toBeUndefined();
  });

  test('changes topics only under another version', () => {
    const routes = new RouteInfo();
    const connection = new FakeConnection();
    routes.register(registration(), connection, 0);
    const wide = [topic('orders', 8), topic('bills')];
    routes.register(registration({ topics: wide }), connection, 1);
    expect(routes.route('orders')?.queues[0]?.writeQueueNums).toBe(4);
    for (const dataVersion of [
      { timestamp: 1, counter: 2 },
      { timestamp: 2, counter: 2 },
      { timestamp: 2, counter: 2, stateVersion: 5 },
    ]) {
      const queueNums = 10 + dataVersion.timestamp + (dataVersion.stateVersion ?? 0);
      routes.register(
        registration({ dataVersion, topics: [topic('orders', queueNums), topic('bills')] }),
        connection,
        1,
      );
      expect(routes.route('orders')?.queues[0]?.writeQueueNums).toBe(queueNums);
    }
    expect(routes.topics).toEqual(['orders', 'bills']);
  });

  test('of a slave adds an address, no topics, and is told where its master is', () => {
    const routes = new RouteInfo();
    expect(routes.register(registration(SLAVE), new FakeConnection(), 0)).toEqual({});
    routes.register(registration(), new FakeConnection(), 0);
    expect(routes.register(registration(SLAVE), new FakeConnection(), 0)).toEqual({
      masterAddr: '10.0.0.1:10911',
      haServerAddr: '10.0.0.1:10912',
    });
    expect(routes.topics).toEqual(['orders']);
    expect(routes.route('orders')?.brokers[0]?.addresses).toEqual(
      new Map([
        [1, '10.0.0.2:10911'],
        [0, '10.0.0.1:10911'],
      ]),
    );
  });

  test('of a slave that became master takes its address along', () => {
    const routes = new RouteInfo();
    const connection = new FakeConnection();
    routes.register(registration(), new FakeConnection(), 0);
    routes.register(registration(SLAVE), connection, 0);
    routes.register(registration({ ...SLAVE, brokerId: 0, topics: [topic('orders')] }), connection, 0);
    expect(routes.route('orders')?.brokers[0]?.addresses).toEqual(new Map([[0, '10.0.0.2:10911']]));
  });
});

describe('a broker goes', () => {
  test('by unregistering, with its topics and its cluster', () => {
    const routes = new RouteInfo();
    const connection = new FakeConnection();
    routes.register(registration(), connection, 0);
    routes.unregister(registration());
    expect(routes.route('orders')).toBeUndefined();
    expect([routes.topics, [...routes.brokers], routes.clusters.size, connection.listeners]).toEqual([[], [], 0, 0]);
  });

  test('and leaves what other brokers have', () => {
    const routes = new RouteInfo();
    routes.register(registration(), new FakeConnection(), 0);
    const other = registration({ brokerName: 'b', brokerAddr: '10.0.0.3:10911' });
    routes.register(other, new FakeConnection(), 0);
    routes.unregister(registration());
    expect(routes.route('orders')?.queues.map(({ brokerName }) => brokerName)).toEqual(['b']);
    expect(routes.clusters).toEqual(new Map([['C', new Set(['b'])]]));
  });

  test('whose place another has taken leaves that one there', () => {
    const routes = new RouteInfo();
    const namesake = registration({ brokerAddr: '10.0.0.9:10911' });
    expect(routes.namesake(registration())).toBeUndefined();
    routes.register(registration(), new FakeConnection(), 0);
    expect(routes.namesake(registration())).toBeUndefined();
    expect(routes.namesake(namesake)).toBe('10.0.0.1:10911');
    routes.register(namesake, new FakeConnection(), 0);
    routes.unregister(registration());
    expect(routes.namesake(registration())).toBe('10.0.0.9:10911');
    expect(routes.route('orders')?.brokers.map(({ addresses }) => addresses.get(0))).toEqual(['10.0.0.9:10911']);
  });

  test('with its connection, at once', () => {
    const routes = new RouteInfo();
    const connection = new FakeConnection();
    routes.register(registration(), connection, 0);
    connection.close();
    expect(routes.topics).toEqual([]);
    const gone = new FakeConnection();
    gone.close();
    routes.register(registration(), gone, 0);
    expect(routes.topics).toEqual([]);
  });

  test('not with a connection that it has replaced', () => {
    const routes = new RouteInfo();
    const [old, fresh] = [new FakeConnection(), new FakeConnection()];
    routes.register(registration(), old, 0);
    routes.register(registration(), fresh, 0);
    old.close();
    expect(routes.topics).toEqual(['orders']);
    fresh.close();
    expect(routes.topics).toEqual([]);
  });

  test('after more than two minutes of silence, and its connection is closed', () => {
    const routes = new RouteInfo();
    const [silent, alive] = [new FakeConnection(), new FakeConnection()];
    routes.register(registration(), silent, 0);
    const other = registration({ brokerName: 'b', brokerAddr: '10.0.0.3:10911' });
    routes.register(other, alive, 0);
    routes.register(other, alive, 60_000);
    expect(routes.expire(120_000)).toEqual([]);
    expect(routes.expire(120_001)).toEqual(['10.0.0.1:10911']);
    expect([silent.closed, alive.closed]).toEqual([true, false]);
    expect(routes.route('orders')?.queues.map(({ brokerName }) => brokerName)).toEqual(['b']);
  });

  test('its master alone: the slave keeps the topics routable', () => {
    const routes = new RouteInfo();
    const master = new FakeConnection();
    routes.register(registration(), master, 0);
    routes.register(registration(SLAVE), new FakeConnection(), 0);
    master.close();
    expect(routes.route('orders')?.brokers[0]?.addresses).toEqual(new Map([[1, '10.0.0.2:10911']]));
  });
});

test('a broker that asks about its version is told, and heard of when nothing changed', () => {
  const routes = new RouteInfo();
  const connection = new FakeConnection();
  const address = '10.0.0.1:10911';
  expect(routes.askVersion(address, { timestamp: 1, counter: 1 }, 0)).toEqual({ changed: true });
  routes.register(registration(), connection, 0);
  expect(routes.askVersion(address, { timestamp: 1, counter: 2 }, 100_000)).toEqual({
    changed: true,
    known: { timestamp: 1, counter: 1 },
  });
  expect(routes.askVersion(address, { timestamp: 1, counter: 1 }, 100_000).changed).toBe(false);
  expect(routes.expire(200_000)).toEqual([]);
});

test('write permission is taken and given back for all topics of a broker', () => {
  const routes = new RouteInfo();
  routes.register(registration({ topics: [topic('orders'), topic('bills', 1, 7)] }), new FakeConnection(), 0);
  expect(routes.setWritable('a', false)).toBe(2);
  expect(routes.route('bills')?.queues[0]?.perm).toBe(5);
  expect(routes.setWritable('a', true)).toBe(2);
  expect(routes.route('bills')?.queues[0]?.perm).toBe(6);
  expect(routes.setWritable('b', true)).toBe(0);
});
