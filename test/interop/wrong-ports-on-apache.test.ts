import { expect, inject, test } from 'vitest';
import { connect } from '../../core/index.js';

/** How a send ends whose addresses are mixed up. */
async function sendWith(options: Parameters<typeof connect>[0], attemptTimeoutMs?: number): Promise<unknown> {
  const mq = await connect(options);
  try {
    const producer = await mq.producer({
      group: 'wrong_ports',
      retries: 0,
      ...(attemptTimeoutMs && { attemptTimeoutMs }),
    });
    return await producer.send({ topic: 'wrong_ports', body: 'x' }).catch((error: unknown) => error);
  } finally {
    await mq.close();
  }
}

test("Apache's broker where a name server was meant is told from it", async () => {
  expect(await sendWith({ nameServers: inject('apache').brokerAddress })).toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    message: expect.stringContaining('looks like a broker, where a name server is needed'),
  });
});

test("Apache's name server where a broker was meant leaves sends unanswered, and is told from it all the same", async () => {
  const { nameServer, brokerAddress } = inject('apache');
  const failure = await sendWith({ nameServers: nameServer, resolveAddress: { [brokerAddress]: nameServer } }, 1_000);
  expect(failure).toMatchObject({
    code: 'RMQ_SEND_FAILED',
    cause: {
      code: 'RMQ_REQUEST_TIMEOUT',
      message: expect.stringContaining('looks like a name server, where a broker is needed'),
      hint: expect.stringContaining('resolveAddress'),
    },
  });
});
