import { describe, expect, test } from 'vitest';
import { createRemotingClient } from '../../core/remoting/client.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { createRemotingServer } from '../../core/remoting/server.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { closeAfterTest } from '../kit/close-after-test.js';

describe.each([
  ['tcp', () => tcpTransport],
  ['memory', () => createMemoryTransport()],
])('over %s', (_name, make) => {
  test('echo', async () => {
    const transport = make();
    const server = closeAfterTest(createRemotingServer(transport, { host: '127.0.0.1', port: 0 }));
    server.process(10, (request) => ({ code: 0, ext: { a: request.ext.a }, body: request.body }));
    await server.listen();
    const client = closeAfterTest(createRemotingClient({ transport, headerEncoding: 'rocketmq' }));
    const address = `127.0.0.1:${server.address.port}`;
    const response = await client.invoke(
      address,
      { code: 10, ext: { a: 'x' }, body: Buffer.from('hello') },
      { timeoutMs: 1000 },
    );
    expect(response.ext).toMatchObject({ a: 'x' });
    expect(response.body.toString()).toBe('hello');
    const other = await client.invoke(address, { code: 11 }, { timeoutMs: 1000 });
    expect(other).toMatchObject({ code: 3, remark: ' request type 11 not supported', version: 407, language: 0 });
  });
});
