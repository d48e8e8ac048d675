import { createServer as createHttp2Server } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { startServer } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { fakeCluster } from './fake-cluster.js';

/** What a send comes to with these name servers. */
async function sendWith(options: Parameters<typeof connect>[0]): Promise<unknown> {
  const mq = closeAfterTest(await connect(options));
  const producer = await mq.producer({ group: 'g', retries: 0 });
  return producer.send({ topic: 'T', body: 'x' }).catch((error: unknown) => error);
}

test('a broker where a name server was meant is told from it', async () => {
  const server = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  expect(await sendWith({ nameServers: server.brokerAddress })).toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    message: expect.stringContaining('looks like a broker, where a name server is needed'),
    hint: expect.stringContaining('9876'),
  });
});

test('a name server where a broker was meant is told from it', async () => {
  const server = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  const resolveAddress = { [server.brokerAddress]: server.nameServers };
  expect(await sendWith({ nameServers: server.nameServers, resolveAddress })).toMatchObject({
    code: 'RMQ_BROKER_ERROR',
    responseCode: 3,
    address: server.nameServers,
    message: expect.stringContaining('looks like a name server, where a broker is needed'),
    hint: expect.stringContaining('resolveAddress'),
  });
});

test('a gRPC proxy where a name server was meant is told from it, and where a broker was meant', async () => {
  const proxy = createHttp2Server();
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const address = `127.0.0.1:${(proxy.address() as { port: number }).port}`;
  expect(await sendWith({ nameServers: address })).toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    message: expect.stringContaining('looks like a gRPC server'),
    hint: expect.stringContaining('8081'),
  });
  const { nameServers, broker } = await fakeCluster();
  expect(await sendWith({ nameServers, resolveAddress: { [broker.address]: address } })).toMatchObject({
    code: 'RMQ_SEND_FAILED',
    message: expect.stringContaining('looks like a gRPC server'),
  });
});

test('name servers that fail in different ways leave the general advice', async () => {
  const server = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  expect(await sendWith({ nameServers: [server.brokerAddress, '127.0.0.1:1'] })).toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    hint: expect.stringContaining('each is listed with its failure'),
  });
});
