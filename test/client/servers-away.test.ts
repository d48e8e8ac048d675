import { expect, test } from 'vitest';
import { connect } from '../../core/index.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { fakeBroker, fakeCluster, fakeNameServer } from './fake-cluster.js';

/** A rejection that nobody handles fails the run: that none escapes from timers is what this is about. */
test('a client outlives the restart of every server, with its timers running', async () => {
  const warnings = new Map<string, number>();
  const logger = {
    ...silentLogger,
    warn: (message: string) => void warnings.set(message, (warnings.get(message) ?? 0) + 1),
  };
  const first = await fakeCluster();
  const intervals = { pollNameServerIntervalMs: 5, heartbeatIntervalMs: 5 };
  const mq = closeAfterTest(await connect({ nameServers: first.nameServers, logger, ...intervals }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'before' });
  await first.broker.heard(2);

  await Promise.all([first.nameServer.server.close(), first.broker.server.close()]);
  await waitFor(() => (warnings.get('route could not be refreshed, the old one stays') ?? 0) >= 3);
  await waitFor(() => (warnings.get('a broker did not take the heartbeat') ?? 0) >= 3);
  await expect(producer.send({ topic: 'T', body: 'away' }, { timeoutMs: 500 })).rejects.toMatchObject({ sent: 'no' });

  const nameServer = await fakeNameServer(tcpTransport, first.nameServer.server.address.port);
  const broker = await fakeBroker('broker-a', tcpTransport, first.broker.server.address.port);
  nameServer.routes.set('T', broker.route());
  await broker.heard(1);
  await producer.send({ topic: 'T', body: 'after' });
  expect(broker.heartbeats[0]?.producerDataSet).toEqual([{ groupName: 'g' }]);
  expect(broker.sends.map((request) => request.body.toString())).toEqual(['after']);
});

test('a broker that moved is found at its new address with the next refresh', async () => {
  const { nameServer, nameServers, broker } = await fakeCluster();
  const mq = closeAfterTest(await connect({ nameServers, pollNameServerIntervalMs: 5 }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'x' });
  const moved = await fakeBroker('broker-a');
  nameServer.routes.set('T', moved.route());
  await broker.server.close();
  await waitFor(() =>
    producer.send({ topic: 'T', body: 'y' }).then(
      () => moved.sends.length > 0,
      () => false,
    ),
  );
});
