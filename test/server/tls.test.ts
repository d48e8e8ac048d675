import { describe, expect, test } from 'vitest';
import { connect, type TlsOptions } from '../../core/index.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { embedded, type ServerOptions, type ServerTlsOptions, startServer } from '../../core/server/index.js';
import { resolveServerOptions } from '../../core/server/server-options.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { ca, certificate } from '../kit/tls-material.js';
import { waitFor } from '../kit/wait-for.js';

const material = certificate('server');

function serverWith(options: ServerOptions) {
  const inMemory = { store: 'memory', nameServerPort: 0, brokerPort: 0 } as const;
  return startServer({ ...inMemory, ...options }).then(closeAfterTest);
}

/** The bodies that come back after one message was sent, or the error. */
async function roundTrip(nameServers: string, tls: boolean | TlsOptions): Promise<unknown> {
  const mq = closeAfterTest(await connect({ nameServers, tls }));
  const producer = await mq.producer({ group: 'g' });
  try {
    await producer.send({ topic: 'T', body: 'round' });
  } catch (error) {
    return error;
  }
  const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first' });
  const bodies: string[] = [];
  await consumer.run((message) => void bodies.push(message.body.toString()));
  await waitFor(() => bodies.length > 0, { what: 'the message' });
  return bodies;
}

describe('a server with a certificate', () => {
  test('serves producers and consumers with TLS and without', async () => {
    for (const tls of [{ ca }, false]) {
      const server = await serverWith({ tls: material });
      expect(await roundTrip(server.nameServers, tls)).toEqual(['round']);
    }
  });

  test('that takes nothing else still has its own broker registered, and serves TLS only', async () => {
    const server = await serverWith({ tls: { ...material, mode: 'enforcing' } });
    expect(await roundTrip(server.nameServers, { ca })).toEqual(['round']);
    expect(await roundTrip(server.nameServers, false)).toMatchObject({
      code: 'RMQ_NAME_SERVER_UNREACHABLE',
      message: expect.stringContaining('looks like TLS'),
      hint: expect.stringContaining('tls: true'),
    });
  });

  test('asks clients for theirs, and its own broker for none', async () => {
    const server = await serverWith({ tls: { ...material, mode: 'enforcing', ca, requestCert: true } });
    expect(await roundTrip(server.nameServers, { ca, ...certificate('client') })).toEqual(['round']);
    expect(await roundTrip(server.nameServers, { ca })).toMatchObject({
      code: 'RMQ_NAME_SERVER_UNREACHABLE',
      message: expect.stringContaining('RMQ_CONNECT_FAILED'),
      hint: expect.stringContaining('tls.cert and tls.key'),
    });
  });

  test('that is disabled all the same takes plain connections only', async () => {
    const server = await serverWith({ tls: { ...material, mode: 'disabled' } });
    expect(await roundTrip(server.nameServers, false)).toEqual(['round']);
    expect(await roundTrip(server.nameServers, { ca })).toMatchObject({
      code: 'RMQ_NAME_SERVER_UNREACHABLE',
      hint: expect.stringMatching(/^TLS/),
    });
  });

  test('goes into an application', async () => {
    const cluster = embedded({ dir: tempDir(), tls: { ...material, mode: 'enforcing' } });
    const mq = closeAfterTest(await connect({ cluster, tls: { ca } }));
    const producer = await mq.producer({ group: 'g' });
    expect((await producer.send({ topic: 'T', body: 'x' })).status).toBe('SEND_OK');
  });
});

test('a broker alone registers with a name server that takes TLS only', async () => {
  const tls: ServerTlsOptions = { ...material, mode: 'enforcing' };
  const first = await serverWith({ tls });
  const second = await serverWith({
    tls,
    nameServers: first.nameServers,
    nameServerTls: { ca },
    brokerName: 'broker-b',
    autoCreateTopicEnable: false,
  });
  const mq = closeAfterTest(await connect({ nameServers: first.nameServers, tls: { ca } }));
  const producer = await mq.producer({ group: 'g' });
  await waitFor(async () => {
    const queues = await producer.fetchPublishMessageQueues('broker-b').catch(() => []);
    return queues.some(({ brokerName }) => brokerName === 'broker-b');
  });
  expect(second.nameServers).toBe(first.nameServers);
});

describe('options', () => {
  const ports = { nameServerPort: 9876, brokerPort: 10_911 };
  const { key } = certificate('client');

  test.each<[string, unknown, RegExp]>([
    ['true', true, /tls: expected an object/],
    ['an unknown mode', { ...material, mode: 'on' }, /mode to be one of disabled, permissive, enforcing/],
    ['a mode without a certificate', { mode: 'enforcing' }, /mode enforcing cannot do without a certificate/],
    ['a certificate without its key', { cert: material.cert }, /cert and key together/],
    ['a key that does not fit', { cert: material.cert, key }, /cert and key do not belong together/],
    ['what Node does not know', { ...material, rejectUnauthorised: false }, /no "rejectUnauthorised"/],
    ['a time that is none', { ...material, handshakeTimeout: 0 }, /handshakeTimeout to be milliseconds/],
  ])('%s is refused before anything starts', (_name, tls, message) => {
    expect(() => resolveServerOptions({ dir: 'd', tls: tls as ServerTlsOptions }, ports)).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'tls', message: expect.stringMatching(message) }),
    );
  });

  test('a server with a key that does not fit does not start, and leaves no trace', async () => {
    const dir = tempDir();
    const starting = startServer({ dir, nameServerPort: 0, brokerPort: 0, tls: { cert: material.cert, key } });
    await expect(starting).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'tls' });
    closeAfterTest(await startServer({ dir, nameServerPort: 0, brokerPort: 0 }));
  });

  test('of another transport are not ours to give', () => {
    const transport = createMemoryTransport();
    for (const options of [{ tls: material }, { nameServerTls: true }]) {
      expect(() => resolveServerOptions({ dir: 'd', transport, ...options }, ports)).toThrow(/no transport beside it/);
    }
  });

  test('no message shows a key', () => {
    const options = { dir: 'd', tls: { ...material, nonsense: 1 } as ServerTlsOptions };
    expect(() => resolveServerOptions(options, ports)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('PRIVATE') }),
    );
  });
});
