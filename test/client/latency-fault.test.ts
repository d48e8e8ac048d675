import { connect as connectSocket } from 'node:net';
import { expect, test } from 'vitest';
import { connect, isRocketMQError, type Producer } from '../../core/index.js';
import { startServer } from '../../core/server/index.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tcpPeer } from '../kit/tcp-peer.js';
import { waitFor } from '../kit/wait-for.js';

/** Stands before a broker: hands its answers on after `delayMs`, takes nothing while it is shut. */
async function gate(target: string) {
  const [host, port] = target.split(':') as [string, string];
  let isShut = false;
  const { address, sockets } = await tcpPeer((socket) => {
    if (isShut) {
      socket.destroy();
      return;
    }
    const upstream = connectSocket({ host, port: Number(port) });
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    socket.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (self.delayMs === 0) socket.write(chunk);
      else setTimeout(() => socket.writable && socket.write(chunk), self.delayMs);
    });
  });
  const self = {
    address,
    delayMs: 0,
    shut: () => {
      isShut = true;
      for (const socket of sockets) socket.destroy();
    },
    open: () => {
      isShut = false;
    },
  };
  return self;
}

/** Two embedded brokers, each behind a gate. */
async function twoBrokers() {
  const ports = { nameServerPort: 0, brokerPort: 0, store: 'memory' } as const;
  const one = closeAfterTest(await startServer({ ...ports, brokerName: 'broker-one' }));
  const two = closeAfterTest(await startServer({ ...ports, brokerName: 'broker-two', nameServers: one.nameServers }));
  const gates = { one: await gate(one.brokerAddress), two: await gate(two.brokerAddress) };
  const mq = closeAfterTest(
    await connect({
      nameServers: one.nameServers,
      resolveAddress: { [one.brokerAddress]: gates.one.address, [two.brokerAddress]: gates.two.address },
    }),
  );
  return { mq, gates };
}

/** The brokers that so many sends went to, each with its attempts. */
async function sendMany(producer: Producer, count: number) {
  const sends: { broker: string; attempts: number }[] = [];
  while (sends.length < count) {
    const { queue, attempts } = await producer.send({ topic: 'orders', body: 'x' });
    sends.push({ broker: queue.brokerName, attempts });
  }
  return { sends, shareOfTwo: sends.filter(({ broker }) => broker === 'broker-two').length / count };
}

// That this takes less than a second is held on a virtual clock, in test/pipeline/latency-fault.test.ts.
test('of two brokers one slows down: it sheds its load and gets it back', async () => {
  const { mq, gates } = await twoBrokers();
  const latencyFault = { form: '5.x', latencyMaxMs: [300], notAvailableDurationMs: [1_500] } as const;
  const producer = await mq.producer({ group: 'g', latencyFault });
  await waitFor(async () => (await sendMany(producer, 8)).shareOfTwo === 0.5, { what: 'both brokers in use' });
  gates.two.delayMs = 450;
  await waitFor(async () => (await sendMany(producer, 10)).shareOfTwo < 0.2, { what: 'the slow broker without load' });
  gates.two.delayMs = 0;
  await waitFor(async () => (await sendMany(producer, 8)).shareOfTwo === 0.5, {
    what: 'the broker with its load again',
  });
});

test('when both brokers were away, the detector tells which can be reached again', async () => {
  const { mq, gates } = await twoBrokers();
  const latencyFault = {
    form: '5.x',
    latencyMaxMs: [10_000],
    notAvailableDurationMs: [600_000],
    detector: { intervalMs: 20 },
  } as const;
  const producer = await mq.producer({ group: 'g', latencyFault });
  await waitFor(async () => (await sendMany(producer, 8)).shareOfTwo === 0.5, { what: 'both brokers in use' });
  gates.one.shut();
  gates.two.shut();
  await expect(producer.send({ topic: 'orders', body: 'x' })).rejects.toMatchObject({ code: 'RMQ_SEND_FAILED' });
  gates.two.open();
  // Both are off for ten minutes. Plainly in turn, every other send would try the first broker and need two attempts.
  // Until the detector has asked, a send may find nobody: that is waited for too.
  await waitFor(
    () =>
      sendMany(producer, 8).then(
        ({ sends }) => sends.every(({ broker, attempts }) => broker === 'broker-two' && attempts === 1),
        (error: unknown) => {
          if (isRocketMQError(error, 'RMQ_SEND_FAILED')) return false;
          throw error;
        },
      ),
    { what: 'the second broker alone in use' },
  );
  gates.one.open();
  await waitFor(async () => (await sendMany(producer, 8)).shareOfTwo === 0.5, { what: 'both brokers in use again' });
});

test('a producer that closes takes its detector along', async () => {
  const clock = virtualClock();
  const mq = closeAfterTest(await connect({ nameServers: '127.0.0.1:1', clock }));
  const timers = clock.timers;
  const plain = await mq.producer({ group: 'plain', latencyFault: { form: '5.x' } });
  expect(clock.timers).toBe(timers);
  const producer = await mq.producer({ group: 'watchful', latencyFault: { form: '5.x', detector: {} } });
  expect(clock.timers).toBe(timers + 1);
  await producer.close();
  await plain.close();
  expect(clock.timers).toBe(timers);
});
