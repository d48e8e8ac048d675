import { expect, test } from 'vitest';
import { createRemotingClient } from '../../core/remoting/client.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { createRemotingServer } from '../../core/remoting/server.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { transportByAddress } from '../../core/remoting/transport-by-address.js';
import { closeAfterTest } from '../kit/close-after-test.js';

test('an address that is served here is reached in memory, every other one by TCP', async () => {
  const memory = createMemoryTransport();
  const transport = transportByAddress(memory, tcpTransport);
  const near = closeAfterTest(createRemotingServer(transport, { host: 'memory', port: 0 }));
  const far = closeAfterTest(createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0 }));
  near.process(10, (_request, connection) => ({ code: 0, remark: `near ${connection.remoteAddress}` }));
  far.process(10, (_request, connection) => ({ code: 0, remark: `far ${connection.remoteAddress}` }));
  await Promise.all([near.listen(), far.listen()]);
  const client = closeAfterTest(createRemotingClient({ transport }));
  const ask = async ({ address }: typeof near) => {
    const answer = await client.invoke(`${address.host}:${address.port}`, { code: 10 }, { timeoutMs: 3_000 });
    return answer.remark;
  };
  expect(await ask(near)).toMatch(/^near memory:/);
  expect(await ask(far)).toMatch(/^far 127\.0\.0\.1:/);
  expect(transport.serves?.(`memory:${near.address.port}`)).toBe(true);
  expect(transport.serves?.('memory:999')).toBe(false);
});
