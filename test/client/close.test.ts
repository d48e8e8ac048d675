import { expect, onTestFinished, test } from 'vitest';
import { connect, type Plugin } from '../../core/index.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { fakeCluster } from './fake-cluster.js';

/** A cluster whose broker answers sends only when `answer` is called. */
async function slowCluster() {
  const cluster = await fakeCluster();
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  // A server that closes waits for the answers it owes.
  onTestFinished(() => answer());
  cluster.broker.behaviour.beforeSend = () => answered;
  return { ...cluster, answer };
}

test('close waits for what is in flight, then tells brokers and disconnects', async () => {
  const { nameServers, broker, answer } = await slowCluster();
  const mq = await connect({ nameServers });
  const producer = await mq.producer({ group: 'g' });
  const sending = producer.send({ topic: 'T', body: 'x' });
  await waitFor(() => broker.sends.length === 1);
  await broker.heard(1);
  const closing = mq.close();
  expect(mq.state).toBe('shut down');
  expect(broker.farewells).toEqual([]);
  answer();
  await expect(sending).resolves.toMatchObject({ status: 'SEND_OK' });
  await closing;
  expect(broker.farewells).toEqual([expect.objectContaining({ clientID: mq.clientId, producerGroup: 'g' })]);
  await waitFor(() => broker.connections.size === 0);
});

test('a closed client and its producers take nothing new, and closing again is fine', async () => {
  const { nameServers } = await fakeCluster();
  const mq = await connect({ nameServers });
  const producer = await mq.producer({ group: 'g' });
  await Promise.all([mq.close(), mq.close()]);
  await mq[Symbol.asyncDispose]();
  const notRunning = { code: 'RMQ_NOT_RUNNING', state: 'shut down' };
  await expect(mq.producer({ group: 'h' })).rejects.toMatchObject(notRunning);
  await expect(mq.consumer({ group: 'h', subscribe: { T: '*' } })).rejects.toMatchObject(notRunning);
  await expect(producer.send({ topic: 'T', body: 'x' })).rejects.toMatchObject(notRunning);
});

test('close does not wait longer than it is told to', async () => {
  const { nameServers, broker } = await slowCluster();
  const mq = await connect({ nameServers });
  const producer = await mq.producer({ group: 'g' });
  const failed = expect(producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 60_000 })).rejects.toMatchObject({
    sent: 'maybe',
  });
  await waitFor(() => broker.sends.length === 1);
  await mq.close({ timeoutMs: 20 });
  await failed;
});

test('an abort signal ends the waiting of close', async () => {
  const { nameServers, broker } = await slowCluster();
  const mq = await connect({ nameServers });
  const producer = await mq.producer({ group: 'g' });
  const failed = expect(producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 60_000 })).rejects.toMatchObject({
    sent: 'maybe',
  });
  await waitFor(() => broker.sends.length === 1);
  const abort = new AbortController();
  const closing = mq.close({ timeoutMs: 60_000, signal: abort.signal });
  await nextTurn();
  abort.abort();
  await closing;
  await failed;
});

test('plugins stop after producers are closed and before their own internal producers', async () => {
  const { nameServers, broker } = await fakeCluster();
  const reporting: Plugin = {
    name: 'reporting',
    setup(host) {
      host.onStart(async () => {
        const own = await host.producer({ internal: true });
        host.logger.info(own.group);
        stop = () => own.send({ topic: 'T', body: 'last report' });
      });
      let stop = (): Promise<unknown> => Promise.resolve();
      host.onStop(() => stop());
    },
  };
  const mq = await connect({ nameServers, plugins: [reporting] });
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'first' });
  await broker.heard(1);
  await mq.close();
  expect(broker.sends.map((request) => request.body.toString())).toEqual(['first', 'last report']);
  expect(broker.farewells.map((ext) => ext.producerGroup)).toEqual(['g', 'CLIENT_INNER_PRODUCER_reporting']);
});

test('a client that was never used leaves nothing behind', async () => {
  const mq = await connect({ nameServers: '127.0.0.1:1' });
  await mq.close();
  expect(mq.state).toBe('shut down');
});
