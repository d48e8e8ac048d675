import { expect, test } from 'vitest';
import { connect, type TlsOptions } from '../../core/index.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { createTcpTransport } from '../../core/remoting/tcp-transport.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { ca, certificate } from '../kit/tls-material.js';
import { waitFor } from '../kit/wait-for.js';
import { fakeBroker, fakeNameServer } from './fake-cluster.js';

const enforcing = createTcpTransport({ serverTls: { ...certificate('server'), mode: 'enforcing' } });
const permissive = createTcpTransport({ serverTls: certificate('server') });

test('name servers and brokers are asked with TLS alike', async () => {
  const nameServer = await fakeNameServer(enforcing);
  const broker = await fakeBroker('broker-a', enforcing);
  nameServer.routes.set('T', broker.route());
  const mq = closeAfterTest(await connect({ nameServers: nameServer.address, tls: { ca } }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(1);
});

test('a broker whose certificate is not good is one failed attempt; another broker takes the message', async () => {
  const nameServer = await fakeNameServer(permissive);
  const good = await fakeBroker('good', permissive);
  const bad = await fakeBroker('bad', createTcpTransport({ serverTls: certificate('expired') }));
  const [one, other] = [good.route(), bad.route()];
  nameServer.routes.set('T', {
    queueDatas: [...one.queueDatas, ...other.queueDatas],
    brokerDatas: [...one.brokerDatas, ...other.brokerDatas],
  });
  const mq = closeAfterTest(await connect({ nameServers: nameServer.address, tls: { ca } }));
  const producer = await mq.producer({ group: 'g' });
  const attempts = await Promise.all(
    Array.from({ length: 4 }, async () => (await producer.send({ topic: 'T', body: 'x' })).attempts),
  );
  expect(attempts.sort()).toEqual([1, 1, 2, 2]);
  expect(good.sends).toHaveLength(4);
  const alone = await mq.producer({ group: 'alone', retries: 0 });
  const failure = await waitFor(() =>
    alone.send({ topic: 'T', body: 'x' }).then(
      () => undefined,
      (error) => error,
    ),
  );
  expect(failure).toMatchObject({
    code: 'RMQ_SEND_FAILED',
    sent: 'no',
    attempts: [{ broker: 'bad', error: { code: 'RMQ_CONNECT_FAILED', cause: { code: 'CERT_HAS_EXPIRED' } } }],
  });
});

test.each<[string, unknown, RegExp]>([
  ['a word', 'yes', /true, false or an object/],
  ['what Node does not know', { CA: ca }, /no "CA"/],
  ['a server’s option', { ca, requestCert: true }, /no "requestCert"/],
  ['a certificate without its key', { cert: certificate('client').cert }, /cert and key together/],
  ['an address as the name', { ca, servername: '10.0.0.1' }, /servername to be a host name/],
  ['a file name', { ca: './ca.pem' }, /ca: expected the PEM text itself/],
  ['a key that does not fit', { ...certificate('client'), key: certificate('server').key }, /do not belong together/],
])('%s is refused at once', async (_name, tls, message) => {
  await expect(connect({ nameServers: '127.0.0.1:1', tls: tls as TlsOptions })).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'tls',
    message: expect.stringMatching(message),
  });
});

test('a transport of one’s own encrypts by itself, or not', async () => {
  const transport = createMemoryTransport();
  await expect(connect({ nameServers: 'n:1', transport, tls: true })).rejects.toThrow(/no transport beside it/);
  closeAfterTest(await connect({ nameServers: 'n:1', transport, tls: false }));
});
