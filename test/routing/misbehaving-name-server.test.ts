import { expect, test } from 'vitest';
import { type ConnectOptions, connect, type Plugin, Random } from '../../core/index.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { fakeCluster, fakeNameServer } from '../client/fake-cluster.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tcpPeer } from '../kit/tcp-peer.js';

/** Chance chooses the first. */
const firstOfList: Plugin = { name: 'first-of-list', setup: (host) => host.bind(Random, { value: () => 0 }) };

/** A client that asks `bad` before a good name server. */
async function producerOn(bad: string, options: Pick<ConnectOptions, 'clock' | 'requestTimeoutMs'> = {}) {
  const { nameServers, broker } = await fakeCluster();
  const mq = closeAfterTest(await connect({ nameServers: [bad, nameServers], plugins: [firstOfList], ...options }));
  return { producer: await mq.producer({ group: 'g', timeoutMs: 10_000 }), broker };
}

test('a name server that talks another protocol, or none, is passed over', async () => {
  const peers = [
    await tcpPeer((socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))),
    await tcpPeer((socket) => socket.on('data', () => socket.destroy())),
    await tcpPeer((socket) => socket.destroy()),
  ];
  for (const { address } of peers) {
    const { producer, broker } = await producerOn(address);
    await producer.send({ topic: 'T', body: 'x' });
    expect(broker.sends).toHaveLength(1);
  }
});

test('a name server that never answers costs one request time-out', async () => {
  const clock = virtualClock();
  const silent = await tcpPeer((socket) => socket.once('data', () => void clock.advance(50)));
  const { producer, broker } = await producerOn(silent.address, { clock, requestTimeoutMs: 50 });
  await producer.send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(1);
});

test.each([
  ['not ready', { code: 1, remark: 'name server not ready' }],
  ['a body that is no route', { code: 0, body: Buffer.from('{"queueDatas":7}') }],
  ['no body', { code: 0 }],
  ['half a body', { code: 0, body: Buffer.from('{"queueDatas":[{"brokerName":"b",') }],
])('a name server that answers with %s is passed over', async (_, answer) => {
  const bad = await fakeNameServer();
  bad.server.process(RequestCode.GET_ROUTEINFO_BY_TOPIC, () => answer);
  const { producer, broker } = await producerOn(bad.address);
  await producer.send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(1);
});

test('when all of them misbehave, the error lists each with what it did', async () => {
  const http = await tcpPeer((socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
  const mq = closeAfterTest(await connect({ nameServers: [http.address, '127.0.0.1:1'] }));
  const producer = await mq.producer({ group: 'g' });
  const error = await producer.send({ topic: 'T', body: 'x' }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    failures: expect.arrayContaining([
      { address: http.address, error: expect.objectContaining({ code: 'RMQ_FRAME_INVALID' }) },
      { address: '127.0.0.1:1', error: expect.objectContaining({ code: 'RMQ_CONNECT_FAILED' }) },
    ]),
  });
});

test('sends go on over the old route while every name server is away', async () => {
  const { nameServers, nameServer, broker } = await fakeCluster();
  const mq = closeAfterTest(await connect({ nameServers, pollNameServerIntervalMs: 10 }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'before' });
  await nameServer.server.close();
  await producer.send({ topic: 'T', body: 'after' });
  await expect(producer.send({ topic: 'Other', body: 'x' })).rejects.toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
  });
  await producer.send({ topic: 'T', body: 'still' });
  expect(broker.sends.map((request) => request.body.toString())).toEqual(['before', 'after', 'still']);
});
