/**
 * Apache's Java client sent the first message of a topic, got its answer, and asked the name server for the topic's queues:
 * it had none. The broker told the name servers of a new topic oneway, so that on a slow machine the answer to the send
 * overtook it. A send that creates a topic is now answered when the name servers know the topic, or after a second.
 */
import { expect, test } from 'vitest';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { createRemotingServer } from '../../core/remoting/server.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { rawClient, runningServer, sendTo } from '../server/kit/running.js';

/** A name server that answers registrations when it is told to. */
async function slowNameServer() {
  const server = closeAfterTest(createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0 }));
  const waiting: (() => void)[] = [];
  let slow = false;
  server.process(RequestCode.REGISTER_BROKER, (_request, _connection, respond) => {
    const answer = () => respond({ code: 0, ext: {} });
    if (slow) waiting.push(answer);
    else answer();
    return 'later';
  });
  server.processOthers(() => ({ code: 0, ext: {} }));
  await server.listen();
  return {
    address: `127.0.0.1:${server.address.port}`,
    waiting,
    becomeSlow: () => {
      slow = true;
    },
  };
}

test('the first send of a topic is answered after the name server took the topic', async () => {
  const nameServer = await slowNameServer();
  const { brokerAddress } = await runningServer({ nameServers: nameServer.address });
  nameServer.becomeSlow();
  const order: string[] = [];
  const sent = sendTo(rawClient(), brokerAddress, { topic: 'new' }).then(({ code }) => order.push(`sent ${code}`));
  await waitFor(() => nameServer.waiting.length > 0, { what: 'the registration' });
  order.push('known');
  for (const answer of nameServer.waiting) answer();
  await sent;
  expect(order).toEqual(['known', 'sent 0']);
});

test('a name server that says nothing holds it up for a second, no longer', async () => {
  const nameServer = await slowNameServer();
  const { brokerAddress } = await runningServer({ nameServers: nameServer.address });
  nameServer.becomeSlow();
  expect((await sendTo(rawClient(), brokerAddress, { topic: 'new' })).code).toBe(0);
  expect(nameServer.waiting).not.toEqual([]);
});
