import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { fakeBroker, fakeCluster } from './fake-cluster.js';

test('an address server names the name servers, and a list that changes is followed', async () => {
  const [first, second] = [await fakeCluster(), await fakeCluster()];
  const moved = await fakeBroker('moved');
  second.nameServer.routes.set('T', moved.route());
  let list = first.nameServers;
  const server = createServer((_, response) => response.end(list));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const addressServer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rocketmq/nsaddr`;
  const intervals = { addressServerIntervalMs: 10, pollNameServerIntervalMs: 10 };
  const mq = closeAfterTest(await connect({ addressServer, ...intervals }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'x' });
  expect(first.broker.sends).toHaveLength(1);
  list = second.nameServers;
  await waitFor(() => second.nameServer.requests.length > 0, { what: 'a request to the new name server' });
  await waitFor(async () => {
    await producer.send({ topic: 'T', body: 'y' });
    return moved.sends.length > 0;
  });
});

test('the VIP channel is two ports below what a broker advertises, for sends only', async () => {
  const { nameServer, nameServers, broker } = await fakeCluster();
  const [host, port] = broker.address.split(':');
  const advertised = `${host}:${Number(port) + 2}`;
  nameServer.routes.set('T', {
    ...broker.route(),
    brokerDatas: [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: { 0: advertised } }],
  });
  const mq = closeAfterTest(await connect({ nameServers, vipChannelEnabled: true }));
  await (await mq.producer({ group: 'g' })).send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(1);
  expect(broker.heartbeats).toHaveLength(0);
});
