/** The broker's second port, two below the first, and our client that sends there. */
import { expect, onTestFinished, test } from 'vitest';
import { connect, type Plugin, RequestCode, rocketMQError } from '../../core/index.js';
import { parseAddress } from '../../core/remoting/address.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import type { RemotingServer } from '../../core/remoting/remoting-server.js';
import { createRemotingServer } from '../../core/remoting/server.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { startServer } from '../../core/server/index.js';
import { startBelowToo } from '../../core/server/remembered-ports.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { pullFrom, rawClient, runningServer, sendTo } from './kit/running.js';

const below = (address: string): string => {
  const { host, port } = parseAddress(address)!;
  return `${host}:${port - 2}`;
};

test.each([
  ['TCP', undefined],
  ['memory', createMemoryTransport()],
])('a send over %s to the VIP port is stored and read like any other', async (_, transport) => {
  const server = await runningServer({ vipPort: true, ...(transport && { transport }) });
  const client = rawClient(transport);
  expect((await sendTo(client, below(server.brokerAddress), { body: 'quick' })).code).toBe(0);
  expect((await pullFrom(client, server.brokerAddress)).body.toString()).toContain('quick');
});

test('without the option nobody listens there', async () => {
  const server = await runningServer();
  await expect(sendTo(rawClient(), below(server.brokerAddress), { body: 'x' })).rejects.toMatchObject({
    code: 'RMQ_CONNECT_FAILED',
  });
});

test('a restart finds both ports again', async () => {
  const dir = tempDir();
  const options = { dir, vipPort: true, brokerPort: 0, nameServerPort: 0 };
  const first = await startServer(options);
  const { brokerAddress } = first;
  await first.close();
  const second = await startServer(options);
  onTestFinished(() => second.close());
  expect(second.brokerAddress).toBe(brokerAddress);
  expect((await sendTo(rawClient(), below(brokerAddress), { body: 'x' })).code).toBe(0);
});

test('a port that is taken below the broker’s is named', async () => {
  const taken = createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => taken.close());
  await taken.listen();
  const brokerPort = taken.address.port + 2;
  const starting = startServer({ dir: tempDir(), vipPort: true, brokerPort, nameServerPort: 0 });
  await expect(starting).rejects.toMatchObject({ code: 'RMQ_ADDRESS_IN_USE' });
});

test('port 0 looks on until both are free, and leaves nothing open', async () => {
  const started: { port: number; offset: number; closed: boolean }[] = [];
  let free = 40_000;
  const start = async (wanted: number, offset: number) => {
    const port = wanted === 0 ? free++ : wanted;
    if (port === 40_002) throw rocketMQError('RMQ_ADDRESS_IN_USE', 'taken', { address: `127.0.0.1:${port}` });
    const server = { port, offset, closed: false };
    started.push(server);
    const close = async () => {
      server.closed = true;
    };
    return { address: { host: '127.0.0.1', port }, close } as unknown as RemotingServer;
  };
  const { server, below: lower } = await startBelowToo(0, undefined, 2, start);
  expect([server.address.port, lower.address.port]).toEqual([40_003, 40_001]);
  expect(started).toEqual([
    { port: 40_000, offset: 2, closed: true },
    { port: 40_001, offset: 2, closed: false },
    { port: 40_003, offset: 0, closed: false },
  ]);
  await expect(startBelowToo(40_002, undefined, 2, start)).rejects.toMatchObject({ code: 'RMQ_ADDRESS_IN_USE' });
  expect(started.at(-1)).toEqual({ port: 40_000, offset: 2, closed: true });
});

test('a broker port without room below is refused', async () => {
  await expect(startServer({ store: 'memory', vipPort: true, brokerPort: 2 })).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'brokerPort',
  });
});

test('our client sends through the VIP channel, and keeps that connection while it heartbeats', async () => {
  const server = await runningServer({ vipPort: true });
  const requests: { code: number; address: string }[] = [];
  const watching: Plugin<void> = {
    name: 'watching',
    setup(host) {
      host.interceptRequest('decorate', (context, next) => {
        requests.push({ code: context.code, address: context.address });
        return next(context);
      });
    },
  };
  const mq = closeAfterTest(
    await connect({
      nameServers: server.nameServers,
      vipChannelEnabled: true,
      heartbeatIntervalMs: 20,
      plugins: [watching],
    }),
  );
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'orders', body: 'x' });
  const to = (code: number) => requests.filter((request) => request.code === code).map(({ address }) => address);
  expect(to(RequestCode.SEND_MESSAGE_V2)).toEqual([below(server.brokerAddress)]);
  await waitFor(() => to(RequestCode.HEART_BEAT).length > 3, { what: 'some heartbeats' });
  expect(new Set(to(RequestCode.HEART_BEAT))).toEqual(new Set([server.brokerAddress]));
  // To the name server, the broker, and its VIP port; the server's own to its name server is another.
  expect(server.statistics.connections).toBe(4);
});
