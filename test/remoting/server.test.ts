import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { CommandFlag, SerializeType } from '../../core/remoting/protocol/remoting-command.js';
import type { OutgoingResponse, RemotingServer, ServerConnection } from '../../core/remoting/remoting-server.js';
import { createRemotingServer } from '../../core/remoting/server.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import type { Transport } from '../../core/remoting/transport.js';
import type { Logger } from '../../core/runtime/logger.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { commandsIn, frameBytes, rawClient, remotingPair, transports } from './remoting-setup.js';

const timeoutMs = 30_000;

/** A request's frame with its number. */
function request(code: number, opaque: number, flag = 0): Buffer {
  return frameBytes({ code, opaque, flag, ext: { number: opaque } }, SerializeType.ROCKETMQ);
}

describe.each(transports)('remoting server over %s', (_name, make) => {
  test('answers at once, by promise and later, in the encoding of each request', async () => {
    const { client, address, server } = await remotingPair(make(), {}, (each) => {
      each.process(10, () => ({ code: 0, remark: 'at once' }));
      each.process(11, async () => ({ code: 0, remark: 'by promise' }));
      each.process(12, (_request, _connection, respond) => {
        setImmediate(() => respond({ code: 0, remark: 'later' }));
        return 'later';
      });
    });
    const remarks = [10, 11, 12].map(async (code) => (await client.invoke(address, { code }, { timeoutMs })).remark);
    expect(await Promise.all(remarks)).toEqual(['at once', 'by promise', 'later']);
    expect(server.statistics).toMatchObject({ connections: 1, refusedConnections: 0, invalidFrames: 0 });
  });

  test('what a processor throws or rejects with becomes a system error, and the second answer is dropped', async () => {
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => void errors.push(message) };
    const { client, address } = await remotingPair(make(), { server: { logger } }, (server) => {
      server.process(10, () => {
        throw new TypeError('thrown');
      });
      server.process(11, () => Promise.reject(new Error('rejected')));
      server.process(12, (_request, _connection, respond) => {
        respond({ code: 0, remark: 'first' });
        respond({ code: 0, remark: 'second' });
        return { code: 0, remark: 'third' };
      });
    });
    const ask = (code: number) => client.invoke(address, { code }, { timeoutMs });
    expect(await ask(10)).toMatchObject({ code: 1, remark: 'TypeError: thrown' });
    expect(await ask(11)).toMatchObject({ code: 1, remark: 'Error: rejected' });
    expect(await ask(12)).toMatchObject({ code: 0, remark: 'first' });
    expect(errors).toHaveLength(2);
    expect(client.statistics.lateResponses).toBe(0);
  });

  test('codes without a processor are refused in the protocol’s words, or go where the server says', async () => {
    const { client, address, server } = await remotingPair(make());
    const ask = () => client.invoke(address, { code: 77 }, { timeoutMs });
    expect(await ask()).toMatchObject({ code: 3, remark: ' request type 77 not supported' });
    server.processOthers(({ code }) => ({ code: 99, remark: `other ${code}` }));
    expect(await ask()).toMatchObject({ code: 99, remark: 'other 77' });
  });

  test('a body in several pieces arrives as one, and an empty answer has empty fields', async () => {
    const { client, address } = await remotingPair(make(), {}, (server) => {
      server.process(10, () => ({
        code: 0,
        bodyParts: [Buffer.from('one '), Buffer.alloc(20_000, 'x'), Buffer.from(' two')],
      }));
      server.process(11, () => ({ code: 0, ext: {} }));
    });
    const { body } = await client.invoke(address, { code: 10 }, { timeoutMs });
    expect(body.toString()).toBe(`one ${'x'.repeat(20_000)} two`);
    expect({ ...(await client.invoke(address, { code: 11 }, { timeoutMs })).ext }).toEqual({});
  });

  test('an answer that is too large becomes a system error', async () => {
    const { client, address } = await remotingPair(make(), { server: { frameSizeBytesMax: 2_000 } }, (server) =>
      server.process(10, () => ({ code: 0, body: Buffer.alloc(2_000) })),
    );
    const answer = await client.invoke(address, { code: 10 }, { timeoutMs });
    expect(answer.code).toBe(1);
    expect(answer.remark).toMatch(/larger than/);
  });

  test('the end of a turn comes after all frames of a chunk and before their answers leave', async () => {
    const gathered: { respond: (response: OutgoingResponse) => void }[] = [];
    const batches: number[] = [];
    const { client, address } = await remotingPair(make(), {}, (server) => {
      server.process(10, (_request, _connection, respond) => {
        gathered.push({ respond });
        return 'later';
      });
      server.onTurnEnd(() => {
        if (gathered.length === 0) return;
        batches.push(gathered.length);
        for (const { respond } of gathered.splice(0)) respond({ code: 0 });
      });
      server.onTurnEnd(() => {
        throw new Error('one listener harms neither the others nor the answers');
      });
    });
    const round = () =>
      Promise.all(Array.from({ length: 15 }, () => client.invoke(address, { code: 10 }, { timeoutMs })));
    await round();
    await round();
    expect(batches).toEqual([15, 15]);
  });

  test('tells of connections and their end; a listener that comes too late is called at once', async () => {
    const seen: ServerConnection[] = [];
    const { client, address } = await remotingPair(make(), {}, (server) => {
      server.onConnection((connection) => seen.push(connection));
      server.process(10, () => ({ code: 0 }));
    });
    await client.invoke(address, { code: 10 }, { timeoutMs });
    const [connection] = seen;
    expect(connection!.localAddress).toBe(address);
    expect(connection!.remoteAddress).toMatch(/:\d+$/);
    const calls: string[] = [];
    connection!.onClose(() => calls.push('kept'));
    connection!.onClose(() => calls.push('taken back'))();
    await client.close();
    await waitFor(() => connection!.closed);
    connection!.onClose(() => calls.push('late'));
    expect(calls).toEqual(['kept', 'late']);
  });

  test('a request to a client that goes away fails as lost; a notification is no error', async () => {
    const seen: ServerConnection[] = [];
    const { client, address } = await remotingPair(make(), {}, (server) => {
      server.onConnection((connection) => seen.push(connection));
      server.process(10, () => ({ code: 0 }));
    });
    client.handle(220, () => new Promise(() => {}));
    await client.invoke(address, { code: 10 }, { timeoutMs });
    const asked = seen[0]!.invoke({ code: 220 }, { timeoutMs }).catch((error: unknown) => error);
    await nextTurn();
    await client.close();
    expect(await asked).toMatchObject({ code: 'RMQ_CONNECTION_LOST', address: seen[0]!.remoteAddress });
    seen[0]!.oneway({ code: 40 });
    await expect(seen[0]!.invoke({ code: 220 }, { timeoutMs })).rejects.toMatchObject({
      code: 'RMQ_CONNECTION_LOST',
      sent: 'no',
    });
  });

  test('close lets promised answers leave, takes nothing more, and may be called twice', async () => {
    let finish: () => void = () => {};
    let processed = 0;
    const { client, server, address } = await remotingPair(make(), {}, (each) =>
      each.process(10, () => {
        processed++;
        return new Promise((resolve) => {
          finish = () => resolve({ code: 0, remark: 'promised', body: Buffer.alloc(500_000) });
        });
      }),
    );
    const asked = client.invoke(address, { code: 10 }, { timeoutMs });
    await waitFor(() => processed === 1);
    const closing = Promise.all([server.close(), server.close()]);
    await nextTurn();
    const refused = client.invoke(address, { code: 10 }, { timeoutMs }).catch((error: unknown) => error);
    await nextTurn();
    finish();
    expect(await asked).toMatchObject({ code: 0, remark: 'promised' });
    await closing;
    expect(await refused).toMatchObject({ code: 'RMQ_CONNECTION_LOST' });
    expect(processed).toBe(1);
    expect(server.statistics.connections).toBe(0);
    await expect(client.invoke(address, { code: 10 }, { timeoutMs })).rejects.toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
    });
  });

  test('close does not wait longer than its time for an answer that never comes', async () => {
    let asking = false;
    const { client, server, address } = await remotingPair(make(), { server: { closeTimeoutMs: 30 } }, (each) =>
      each.process(10, () => {
        asking = true;
        return new Promise(() => {});
      }),
    );
    const asked = client.invoke(address, { code: 10 }, { timeoutMs }).catch((error: unknown) => error);
    await waitFor(() => asking);
    await server.close();
    expect(await asked).toMatchObject({ code: 'RMQ_CONNECTION_LOST' });
  });
});

describe('remoting server and bad input', () => {
  async function serving(
    settings: Partial<Parameters<typeof createRemotingServer>[1]> = {},
    prepare?: (server: RemotingServer) => void,
  ) {
    const server = closeAfterTest(createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0, ...settings }));
    server.process(10, ({ opaque }) => ({ code: 0, remark: `number ${opaque}` }));
    prepare?.(server);
    await server.listen();
    return { server, address: `127.0.0.1:${server.address.port}` };
  }

  test.each([
    ['a 2 GiB length', Buffer.from('7ffffffc00000010', 'hex')],
    ['a length beyond the limit', Buffer.from('0100000000000010', 'hex')],
    ['a negative length', Buffer.from('fffffff000000010', 'hex')],
    ['a header longer than its frame', Buffer.from('00000010000000ff', 'hex')],
    ['an unknown header encoding', Buffer.from('0000001005000008', 'hex')],
    ['a JSON header that is none', Buffer.concat([Buffer.from('0000001400000010', 'hex'), Buffer.alloc(16, '{')])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a gRPC preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['a TLS handshake', Buffer.from('16030100f8010000f403', 'hex')],
  ])('%s closes that connection, and the others go on', async (_name, bytes) => {
    const { server, address } = await serving();
    const good = await rawClient(address);
    const bad = await rawClient(address);
    // A good request in front is still answered.
    bad.socket.write(request(10, 1));
    await waitFor(() => bad.received.length === 1);
    const worse = await rawClient(address);
    bad.socket.write(bytes);
    worse.socket.write(bytes);
    await bad.closed();
    await worse.closed();
    good.socket.write(request(10, 2));
    await waitFor(() => good.received.length === 1);
    expect(server.statistics).toMatchObject({ connections: 1, invalidFrames: 2 });
  });

  test('good frames before garbage in one chunk are answered before the connection closes', async () => {
    const { address } = await serving();
    const { socket, received, closed } = await rawClient(address);
    socket.write(Buffer.concat([request(10, 1), request(10, 2), Buffer.from('7ffffffc00000010', 'hex')]));
    await closed();
    expect(received.map((answer) => answer.opaque)).toEqual([1, 2]);
  });

  test('a half-written frame is closed when nothing more comes, others are served meanwhile', async () => {
    const clock = virtualClock();
    const { address, server } = await serving({ clock, idleTimeoutMs: 400 });
    const half = await rawClient(address);
    half.socket.write(request(10, 1).subarray(0, 15));
    const good = await rawClient(address);
    good.socket.write(request(10, 2));
    await waitFor(() => good.received.length === 1);
    await clock.advance(399);
    expect(server.statistics.connections).toBe(2);
    await clock.advance(1);
    await half.closed();
    expect(half.received).toEqual([]);
    await good.closed();
    expect(server.statistics.connections).toBe(0);
  });

  test('a client that leaves in the middle of a frame leaves nothing behind', async () => {
    const { address, server } = await serving();
    const { socket, closed } = await rawClient(address);
    socket.end(request(10, 1).subarray(0, 10));
    await closed();
    await waitFor(() => server.statistics.connections === 0);
  });

  test('a frame that comes byte by byte is answered like any other', async () => {
    const { address } = await serving();
    const { socket, received } = await rawClient(address);
    socket.setNoDelay(true);
    for (const byte of Buffer.concat([request(10, 1), request(10, 2)])) {
      socket.write(Buffer.from([byte]));
      await nextTurn();
    }
    await waitFor(() => received.length === 2);
  });

  test('a flood of connections is refused beyond the limit, the first ones are served', async () => {
    const { address, server } = await serving({ connectionsMax: 3 });
    const clients = await Promise.all(Array.from({ length: 3 }, () => rawClient(address)));
    const port = server.address.port;
    const flood = Array.from({ length: 100 }, () => connect({ host: '127.0.0.1', port }).on('error', () => {}));
    await Promise.all(flood.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve))));
    expect(server.statistics).toMatchObject({ connections: 3, refusedConnections: 100 });
    for (const { socket } of clients) socket.write(request(10, 1));
    await waitFor(() => clients.every(({ received }) => received.length === 1));
    clients[0]!.socket.destroy();
    await waitFor(() => server.statistics.connections === 2);
    const next = await rawClient(address);
    next.socket.write(request(10, 1));
    await waitFor(() => next.received.length === 1);
  });

  test('oneway requests are never answered, whatever happens to them', async () => {
    const { address } = await serving({}, (server) => {
      server.process(11, () => {
        throw new Error('thrown');
      });
      server.process(12, () => Promise.reject(new Error('rejected')));
    });
    const { socket, received } = await rawClient(address);
    for (const code of [10, 11, 12, 99]) socket.write(request(code, code, CommandFlag.ONEWAY));
    socket.write(request(10, 1_000));
    await waitFor(() => received.length > 0);
    expect(received.map((answer) => answer.opaque)).toEqual([1_000]);
  });

  test('responses that nobody asked for are ignored', async () => {
    const { address } = await serving();
    const { socket, received } = await rawClient(address);
    socket.write(frameBytes({ code: 0, opaque: 5, flag: CommandFlag.RESPONSE }));
    socket.write(request(10, 1));
    await waitFor(() => received.length === 1);
  });

  test('a client that does not read stops being served until it does, and then gets every answer', async () => {
    let processed = 0;
    let lagging = () => false;
    const answer = Buffer.alloc(400_000, 'a');
    const { address } = await serving({ unsentBytesMax: 1024 * 1024 }, (server) =>
      server.process(20, (_, connection) => {
        processed++;
        lagging = () => connection.lagging;
        return { code: 0, body: answer };
      }),
    );
    const slow = await rawClient(address);
    slow.socket.pause();
    const asked = 100;
    slow.socket.write(Buffer.concat(Array.from({ length: asked }, (_, index) => request(20, index))));
    await waitFor(() => processed > 0);
    const good = await rawClient(address);
    for (let round = 0; round < 20; round++) {
      good.socket.write(request(10, round));
      await waitFor(() => good.received.length === round + 1);
    }
    expect(processed).toBeLessThan(50);
    expect(lagging()).toBe(true);
    slow.socket.resume();
    await waitFor(() => slow.received.length === asked, { what: 'every answer' });
    expect(slow.received.map(({ opaque }) => opaque)).toEqual(Array.from({ length: asked }, (_, index) => index));
    expect(slow.received.every(({ body }) => body.length === answer.length)).toBe(true);
    expect(lagging()).toBe(false);
  });

  test('a port that is taken is a clear error', async () => {
    const { server, address } = await serving();
    const second = createRemotingServer(tcpTransport, { host: '127.0.0.1', port: server.address.port });
    await expect(second.listen()).rejects.toMatchObject({ code: 'RMQ_ADDRESS_IN_USE', address });
    await second.close();
  });
});

test('the server closes a connection without traffic after 120 s, also one with a request of the server’s own', async () => {
  const clock = virtualClock();
  const seen: ServerConnection[] = [];
  const { client, server, address } = await remotingPair(
    createMemoryTransport(),
    { server: { clock }, client: { idleTimeoutMs: Number.POSITIVE_INFINITY } },
    (each) => {
      each.onConnection((connection) => seen.push(connection));
      each.process(10, () => ({ code: 0 }));
    },
  );
  client.handle(220, () => new Promise(() => {}));
  await client.invoke(address, { code: 10 }, { timeoutMs });
  const asked = seen[0]!.invoke({ code: 220 }, { timeoutMs: 600_000 }).catch((error: unknown) => error);
  await clock.advance(119_000);
  expect(server.statistics.connections).toBe(1);
  await clock.advance(2_000);
  expect(server.statistics.connections).toBe(0);
  expect(await asked).toMatchObject({ code: 'RMQ_CONNECTION_LOST' });
  await waitFor(() => !client.isConnected(address));
});

test('a long turn is stored and answered in parts, each twice as long as the one before', async () => {
  const happened: string[] = [];
  const memory = createMemoryTransport();
  const transport: Transport = {
    ...memory,
    connect: (address, options) => memory.connect(address, options),
    listen: (options, accept) =>
      memory.listen(options, (wire) => {
        const write = wire.write.bind(wire);
        wire.write = (buffers, flushed) => {
          happened.push(`${commandsIn(Buffer.concat(buffers)).length} answered`);
          return write(buffers, flushed);
        };
        return accept(wire);
      }),
  };
  const gathered: (() => void)[] = [];
  const { client, address } = await remotingPair(transport, {}, (server) => {
    server.process(10, (_request, _connection, respond) => {
      gathered.push(() => respond({ code: 0 }));
      return 'later';
    });
    server.onTurnEnd(() => {
      happened.push(`${gathered.length} stored`);
      for (const answer of gathered.splice(0)) answer();
    });
  });
  await Promise.all(Array.from({ length: 60 }, () => client.invoke(address, { code: 10 }, { timeoutMs })));
  const parts = [16, 32, 12];
  expect(happened).toEqual(parts.flatMap((requests) => [`${requests} stored`, `${requests} answered`]));
  await client.invoke(address, { code: 10 }, { timeoutMs });
  expect(happened.slice(-2)).toEqual(['1 stored', '1 answered']);
});
