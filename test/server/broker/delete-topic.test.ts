/** DELETE_TOPIC_IN_BROKER and DELETE_TOPIC_IN_NAMESRV: what goes with a topic, and what does not come back. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { tempDir } from '../../kit/temp-dir.js';
import { nextTurn, waitFor } from '../../kit/wait-for.js';
import { DelayBroker } from '../delay/delay-broker.js';
import { invoke, pullFrom, rawClient, runningServer, sendTo } from '../kit/running.js';
import { GROUP, INVISIBLE_MS, PopBroker } from '../pop/pop-broker.js';
import { COMMIT, TransactionBroker } from '../transaction/transaction-kit.js';

const TOPIC = 'orders';

async function setup() {
  const dir = tempDir();
  const client = rawClient();
  let server = await runningServer({ dir });
  const broker = (code: number, ext = {}) => invoke(client, server.brokerAddress, code, ext);
  const nameServer = (code: number, ext = {}) => invoke(client, server.nameServers, code, ext);
  return {
    dir,
    client,
    broker,
    nameServer,
    get server() {
      return server;
    },
    send: (body: string, queueId = 0) => sendTo(client, server.brokerAddress, { body, queueId }),
    pull: (more: Parameters<typeof pullFrom>[2] = {}) => pullFrom(client, server.brokerAddress, more),
    commit: (commitOffset: number, topic = TOPIC) =>
      broker(RequestCode.UPDATE_CONSUMER_OFFSET, { consumerGroup: 'G', topic, queueId: 0, commitOffset }),
    remove: async (topic = TOPIC) => {
      expect(await broker(RequestCode.DELETE_TOPIC_IN_BROKER, { topic })).toMatchObject({ code: 0 });
      expect(await nameServer(RequestCode.DELETE_TOPIC_IN_NAMESRV, { topic })).toMatchObject({ code: 0 });
    },
    hasRoute: async () =>
      (await nameServer(RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: TOPIC, acceptStandardJsonOnly: true })).code === 0,
    restart: async () => {
      await server.close();
      server = await runningServer({ dir });
    },
  };
}

describe('a topic that is deleted', () => {
  test('is gone from memory, from the disk and from the name server, with the offsets of its groups', async () => {
    const { dir, send, commit, remove, pull, hasRoute, restart, broker } = await setup();
    for (const queueId of [0, 1]) await send('old', queueId);
    await commit(1);
    expect(await hasRoute()).toBe(true);
    await remove();
    const config = (name: string) => readFileSync(join(dir, 'config', name), 'utf8');
    const isGone = async () => {
      expect(await hasRoute()).toBe(false);
      expect(await pull()).toMatchObject({ code: 17 });
      expect(await broker(RequestCode.GET_TOPIC_CONFIG, { topic: TOPIC })).toMatchObject({ code: 17 });
      expect(readdirSync(join(dir, 'consumequeue'))).toEqual([]);
      expect(config('topics.json')).not.toContain(`"${TOPIC}"`);
      expect(config('consumerOffset.json')).not.toContain(TOPIC);
    };
    await isGone();
    await restart();
    await isGone();
  });

  test('begins at offset 0 when it is made again, for groups that had read the old one too', async () => {
    const { send, commit, remove, pull, hasRoute, restart, broker } = await setup();
    for (const body of ['old 1', 'old 2']) await send(body);
    await commit(2);
    await remove();
    expect(await send('new')).toMatchObject({ code: 0, ext: { queueOffset: '0' } });
    expect(await hasRoute()).toBe(true);
    const asked = { consumerGroup: 'G', topic: TOPIC, queueId: 0 };
    expect(await broker(RequestCode.QUERY_CONSUMER_OFFSET, asked)).toMatchObject({ ext: { offset: '0' } });
    const isNew = async () => {
      const { ext, body } = await pull();
      expect(ext).toMatchObject({ minOffset: '0', maxOffset: '1' });
      expect(body.toString()).toContain('new');
    };
    await isNew();
    await restart();
    await isNew();
  });

  test('lets nobody wait for it, and no member commit what it had read', async () => {
    const { send, pull, remove, commit, server } = await setup();
    await send('old');
    const waiting = pull({ offset: 1, suspendMs: 15_000 });
    await waitFor(() => server.statistics.broker.heldPulls === 1, { what: 'the pull to be held' });
    await remove();
    expect(await waiting).toMatchObject({ code: 17 });
    expect(await commit(1)).toMatchObject({ code: 17, remark: `Topic ${TOPIC} not exist!` });
  });

  test('is not brought back by what the broker registers next', async () => {
    const { send, remove, hasRoute, client, server } = await setup();
    await send('old');
    await remove();
    await sendTo(client, server.brokerAddress, { topic: 'others' });
    expect(await hasRoute()).toBe(false);
  });

  test('need not be there, has to have a name, and must not be one that the broker itself uses', async () => {
    const { broker } = await setup();
    const remove = (topic: string) => broker(RequestCode.DELETE_TOPIC_IN_BROKER, { topic });
    expect(await remove('nowhere')).toMatchObject({ code: 0 });
    expect(await remove('no topic')).toMatchObject({ code: 1, remark: expect.stringContaining('illegal characters') });
    for (const topic of ['TBW102', 'DefaultCluster', 'broker-a', 'rmq_sys_wheel_timer', 'SCHEDULE_TOPIC_XXXX']) {
      const remark = `The topic[${topic}] is conflict with system topic.`;
      expect(await remove(topic)).toMatchObject({ code: 1, remark });
    }
  });

  test('stays as it is where its messages cannot be removed', async () => {
    const { send, broker, pull, dir } = await setup();
    await send('old');
    // A file stands where the note of it would.
    writeFileSync(join(dir, 'multistage.deleted'), '');
    expect(await broker(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC })).toMatchObject({ code: 1 });
    expect(await pull()).toMatchObject({ code: 0 });
  });
});

test('a kill at any step of a deletion leaves a topic that is empty or gone, and can be deleted again', async () => {
  const outcomes = new Set<string>();
  const asked = { consumerGroup: 'G', topic: TOPIC, queueId: 1 };
  for (let step = 0; !outcomes.has('done'); step++) {
    const volume = new FaultyVolume();
    const broker = await DelayBroker.open({ files: volume });
    for (const id of ['a', 'b', 'c']) await broker.send(id);
    await broker.ask(RequestCode.UPDATE_CONSUMER_OFFSET, { ...asked, commitOffset: 3 });
    await broker.saveOffsets();
    let left = step;
    volume.fault = (operation) => {
      if (operation === 'read' || left-- > 0) return undefined;
      volume.die();
      return operation === 'create' || operation === 'write' ? 0 : undefined;
    };
    await broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC }).catch(() => undefined);
    const killed = volume.loseProcess();
    if (!volume.isDead) outcomes.add('done');
    volume.die();
    await broker.forget();

    const next = await DelayBroker.open({ files: killed });
    const isListed = (await next.ask(RequestCode.GET_TOPIC_CONFIG, { topic: TOPIC })).code === 0;
    const { ext } = await next.ask(RequestCode.QUERY_CONSUMER_OFFSET, asked);
    const found = await next.delivered();
    outcomes.add(`${isListed ? 'listed' : 'gone'} ${found.join('')} ${(ext as { offset: number }).offset}`);
    expect(await next.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC })).toMatchObject({ code: 0 });
    await next.send('new');
    await next.close();
    const last = await DelayBroker.open({ files: killed });
    expect(await last.delivered(), `killed at step ${step}`).toEqual(['new']);
    await last.close();
  }
  // Without messages, without offsets too, and gone.
  expect([...outcomes].sort()).toEqual(['done', 'gone  0', 'listed  0', 'listed  3']);
});

describe('what comes due for a topic that was deleted', () => {
  const readable = async (broker: DelayBroker) => {
    const ext = { consumerGroup: 'G', topic: TOPIC, queueId: 1, queueOffset: 0, maxMsgNums: 32, sysFlag: 4 };
    const more = { commitOffset: 0, suspendTimeoutMillis: 0, subscription: '*', subVersion: 0 };
    return (await broker.ask(RequestCode.PULL_MESSAGE, { ...ext, ...more })).code;
  };

  test('is stored, and can be read once the topic is made again', async () => {
    const broker = await DelayBroker.open();
    onTestFinished(() => broker.close());
    await broker.send('plain');
    await broker.send('later', { DELAY: 1 });
    await broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
    await broker.clock.advance(1_200);
    expect(await broker.delivered()).toEqual(['later']);
    expect(await readable(broker)).toBe(17);
    await broker.send('new');
    expect(await readable(broker)).toBe(0);
    expect(await broker.delivered()).toEqual(['later', 'new']);
  });

  test('is found by the next start, which makes the topic again', async () => {
    const broker = await DelayBroker.open();
    await broker.send('later', { DELAY: 1 });
    await broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
    await broker.clock.advance(1_200);
    await broker.close();
    const next = await DelayBroker.open({ files: broker.files, clock: virtualClock({ nowMs: broker.clock.now() }) });
    onTestFinished(() => next.close());
    expect(await readable(next)).toBe(0);
  });

  test('is removed by CLEAN_UNUSED_TOPIC, which leaves all other topics alone', async () => {
    const broker = await DelayBroker.open();
    onTestFinished(() => broker.close());
    await broker.send('later', { DELAY: 1 });
    await broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
    await broker.clock.advance(1_200);
    expect(await broker.ask(RequestCode.CLEAN_UNUSED_TOPIC)).toMatchObject({ code: 0 });
    expect(await broker.delivered()).toEqual([]);
    expect(await broker.read('SCHEDULE_TOPIC_XXXX')).toHaveLength(1);
    await broker.send('new');
    expect(await broker.ask(RequestCode.CLEAN_UNUSED_TOPIC)).toMatchObject({ code: 0 });
    expect(await broker.delivered()).toEqual(['new']);
  });

  test('by the end of a transaction is stored too', async () => {
    const broker = await TransactionBroker.open();
    onTestFinished(() => broker.close());
    const half = await broker.half('t1');
    expect(await broker.deleteTopic(TOPIC)).toMatchObject({ code: 0 });
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 0 });
    expect(await broker.bodies()).toEqual(['t1']);
  });
});

describe('popped messages of a topic that was deleted', () => {
  test('do not come back', async () => {
    const pops = await PopBroker.open();
    onTestFinished(() => pops.close());
    await pops.send(['a', 'b', 'c']);
    expect(await pops.ids()).toEqual(['a', 'b', 'c']);
    await pops.broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
    await pops.clock.advance(INVISIBLE_MS + 5_000);
    expect(await pops.broker.read(`%RETRY%${GROUP}_${TOPIC}`)).toEqual([]);
  });

  test('say nothing of where the group begins in a topic that is made again', async () => {
    const pops = await PopBroker.open();
    onTestFinished(() => pops.close());
    await pops.send(['a', 'b', 'c']);
    const popping = pops.ids();
    await pops.broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
    await popping;
    await pops.send(['new']);
    expect(await pops.ids()).toEqual(['new']);
  });

  test('go with their retry topic; what a group retries and its dead letters stay', async () => {
    const pops = await PopBroker.open();
    onTestFinished(() => pops.close());
    const { broker } = pops;
    await pops.send(['a']);
    await pops.pop();
    await pops.clock.advance(INVISIBLE_MS + 5_000);
    const retryTopic = `%RETRY%${GROUP}_${TOPIC}`;
    expect(broker.store.maxOffset(retryTopic, 0)).toBe(1);
    const config = (topic: string) => broker.ask(RequestCode.GET_TOPIC_CONFIG, { topic });
    const create = { defaultTopic: 'TBW102', readQueueNums: 1, writeQueueNums: 1, perm: 6 };
    for (const topic of [`%RETRY%${GROUP}`, `%DLQ%${GROUP}`]) {
      await broker.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, { topic, ...create, topicFilterType: 'SINGLE_TAG' });
    }
    await broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
    expect(await config(retryTopic)).toMatchObject({ code: 17 });
    expect(broker.store.maxOffset(retryTopic, 0)).toBe(0);
    for (const topic of [`%RETRY%${GROUP}`, `%DLQ%${GROUP}`]) expect(await config(topic)).toMatchObject({ code: 0 });
  });

  test('end the wait for more', async () => {
    const pops = await PopBroker.open();
    onTestFinished(() => pops.close());
    await pops.send(['a']);
    await pops.pop();
    const waiting = pops.pop({ pollTime: 20_000 });
    await nextTurn();
    await pops.broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
    expect(await waiting).toMatchObject({ code: 17, messages: [] });
  });
});

test('at a name server a topic goes from one cluster or from all', async () => {
  const { nameServer, broker, client, server, hasRoute } = await setup();
  await sendTo(client, server.brokerAddress);
  const remove = (clusterName: string) =>
    nameServer(RequestCode.DELETE_TOPIC_IN_NAMESRV, { topic: TOPIC, clusterName });
  expect(await remove('Other')).toMatchObject({ code: 0 });
  expect(await hasRoute()).toBe(true);
  expect(await remove('DefaultCluster')).toMatchObject({ code: 0 });
  expect(await hasRoute()).toBe(false);
  expect(await broker(RequestCode.GET_TOPIC_CONFIG, { topic: TOPIC })).toMatchObject({ code: 0 });
});
