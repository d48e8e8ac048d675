import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRemotingClient } from '../../core/remoting/client.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { CommandFlag, type RemotingCommand, SerializeType } from '../../core/remoting/protocol/remoting-command.js';
import type { RequestObserver } from '../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import type { Transport, Wire } from '../../core/remoting/transport.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tcpPeer, unansweringAddress } from '../kit/tcp-peer.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { commandsIn, fakeServer, frameBytes, remotingPair, spyTransport, transports } from './remoting-setup.js';

const timeoutMs = 30_000;

function recorder(): RequestObserver & { readonly heard: unknown[] } {
  const heard: unknown[] = [];
  return { heard, onResponse: (response) => heard.push(response), onFailure: (error) => heard.push(error) };
}

describe.each(transports)('remoting client over %s', (_name, make) => {
  test.each([
    ['json', SerializeType.JSON],
    ['rocketmq', SerializeType.ROCKETMQ],
  ] as const)(
    'a request with %s headers carries code, fields and body, and is answered in kind',
    async (headerEncoding, type) => {
      let seen: RemotingCommand | undefined;
      const { client, address } = await remotingPair(make(), { client: { headerEncoding } }, (server) =>
        server.process(10, (request) => {
          seen = request;
          return { code: 0, remark: 'fine', ext: { b: 'x', n: 7 }, body: request.body };
        }),
      );
      const body = Buffer.from('a body');
      const response = await client.invoke(
        address,
        { code: 10, ext: { a: 'ä', none: undefined }, body },
        { timeoutMs },
      );
      expect(seen).toMatchObject({ code: 10, language: 7, version: 407, flag: 0, serializeType: type });
      expect({ ...seen!.ext }).toEqual({ a: 'ä' });
      expect(response).toMatchObject({ code: 0, remark: 'fine', language: 0, version: 407, serializeType: type });
      expect({ ...response.ext }).toEqual({ b: 'x', n: '7' });
      expect(response.body.toString()).toBe('a body');
    },
  );

  test('small, large and empty bodies of one turn all arrive whole', async () => {
    const { client, address } = await remotingPair(make(), { client: { headerEncoding: 'rocketmq' } }, (server) =>
      server.process(10, (request) => ({ code: 0, body: request.body })),
    );
    const sizes = [0, 1, 1_000, 4_096, 4_097, 100_000, 3, 300_000, 2_000_000, 0, 5_000, ...Array(300).fill(1_200)];
    const bodies = sizes.map((size, index) => Buffer.alloc(size, `${index}-`));
    const responses = await Promise.all(
      bodies.map((body) => client.invoke(address, { code: 10, body }, { timeoutMs })),
    );
    for (const [index, response] of responses.entries()) expect(response.body.equals(bodies[index]!)).toBe(true);
  });

  test('requests of one turn share one connect, and leave in one write', async () => {
    const transport = spyTransport(make());
    const { client, address } = await remotingPair(transport, {}, (server) => server.process(10, () => ({ code: 0 })));
    const round = (): Promise<RemotingCommand[]> =>
      Promise.all(Array.from({ length: 20 }, () => client.invoke(address, { code: 10 }, { timeoutMs })));
    await round();
    await round();
    expect(transport.connects).toBe(1);
    expect(transport.writes.map((bytes) => commandsIn(bytes).length)).toEqual([20, 20]);
  });

  test('answers that come out of order reach their own requests', async () => {
    const held: (() => void)[] = [];
    const { client, address } = await remotingPair(make(), {}, (server) =>
      server.process(10, (request, _connection, respond) => {
        held.push(() => respond({ code: 0, remark: request.ext.name! }));
        return 'later';
      }),
    );
    const names = ['first', 'second', 'third'];
    const answers = names.map((name) => client.invoke(address, { code: 10, ext: { name } }, { timeoutMs }));
    await waitFor(() => held.length === 3);
    for (const answer of held.reverse()) answer();
    expect((await Promise.all(answers)).map((answer) => answer.remark)).toEqual(names);
  });

  test('a request cancelled in its own turn never leaves', async () => {
    const seen: string[] = [];
    const { client, address } = await remotingPair(make(), {}, (server) =>
      server.process(10, (request) => {
        seen.push(request.ext.name!);
        return { code: 0 };
      }),
    );
    await client.invoke(address, { code: 10, ext: { name: 'warm' } }, { timeoutMs });
    const observer = recorder();
    const dropped = client.start(address, { code: 10, ext: { name: 'dropped' } }, { timeoutMs }, observer);
    const kept = client.invoke(address, { code: 10, ext: { name: 'kept' } }, { timeoutMs });
    expect(dropped.sent).toBe('no');
    expect(dropped.cancel()).toBe('no');
    expect(dropped.cancel()).toBe('no');
    await kept;
    await nextTurn();
    expect(seen).toEqual(['warm', 'kept']);
    expect(observer.heard).toEqual([]);
    expect(client.statistics).toEqual({ lateResponses: 0, inFlight: 0 });
  });

  test('a request cancelled after it left may have been executed; its late answer is counted and ignored', async () => {
    let answer: (() => void) | undefined;
    const { client, address } = await remotingPair(make(), {}, (server) =>
      server.process(10, (_request, _connection, respond) => {
        answer = () => respond({ code: 0 });
        return 'later';
      }),
    );
    const observer = recorder();
    const pending = client.start(address, { code: 10 }, { timeoutMs }, observer);
    await waitFor(() => answer);
    expect(pending.sent).toBe('maybe');
    expect(pending.cancel()).toBe('maybe');
    expect(client.statistics.inFlight).toBe(0);
    answer!();
    await waitFor(() => client.statistics.lateResponses === 1);
    expect(observer.heard).toEqual([]);
  });

  test('an aborted invoke rejects and says whether its bytes may have left', async () => {
    let arrived = false;
    const { client, address } = await remotingPair(make(), {}, (server) =>
      server.process(10, () => {
        arrived = true;
        return 'later';
      }),
    );
    const before = client.invoke(address, { code: 10 }, { timeoutMs, signal: AbortSignal.abort() });
    await expect(before).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED', sent: 'no' });
    const controller = new AbortController();
    const during = client.invoke(address, { code: 10 }, { timeoutMs, signal: controller.signal });
    await waitFor(() => arrived);
    controller.abort(new Error('enough'));
    await expect(during).rejects.toMatchObject({
      code: 'RMQ_REQUEST_ABORTED',
      sent: 'maybe',
      cause: { message: 'enough' },
    });
  });

  test('a request without an answer fails at its deadline, the others do not', async () => {
    let late: (() => void) | undefined;
    const { client, address } = await remotingPair(make(), {}, (server) => {
      server.process(10, (_request, _connection, respond) => {
        late = () => respond({ code: 0 });
        return 'later';
      });
      server.process(11, () => ({ code: 0 }));
    });
    // Connected before: connecting counts too.
    await client.invoke(address, { code: 11 }, { timeoutMs });
    const failing = client.invoke(address, { code: 10 }, { timeoutMs: 40 });
    await expect(failing).rejects.toMatchObject({
      code: 'RMQ_REQUEST_TIMEOUT',
      address,
      timeoutMs: 40,
      sent: 'maybe',
      retryable: true,
    });
    late!();
    await client.invoke(address, { code: 11 }, { timeoutMs });
    expect(client.statistics).toEqual({ lateResponses: 1, inFlight: 0 });
  });

  test('a oneway request resolves when it is with the socket, and is never answered', async () => {
    const seen: RemotingCommand[] = [];
    const transport = make();
    const { client, address } = await remotingPair(transport, {}, (server) =>
      server.process(10, (request) => {
        seen.push(request);
        return { code: 0 };
      }),
    );
    await client.oneway(address, { code: 10, body: Buffer.from('x') }, { timeoutMs });
    await waitFor(() => seen.length === 1);
    expect(seen[0]!.flag).toBe(CommandFlag.ONEWAY);
    await client.invoke(address, { code: 11 }, { timeoutMs });
    expect(client.statistics).toEqual({ lateResponses: 0, inFlight: 0 });
  });

  test('a lost connection fails what is pending at once, and the next use connects anew', async () => {
    const { client, server, address } = await remotingPair(make(), {}, (each) => {
      each.process(10, (_request, connection) => {
        connection.close();
        return 'later';
      });
      each.process(11, () => 'later');
      each.process(12, () => ({ code: 0 }));
    });
    const lost: string[] = [];
    const forget = client.onConnectionLost((which) => lost.push(which));
    const waiting = [11, 11, 10].map((code) => client.invoke(address, { code }, { timeoutMs }));
    const results = await Promise.allSettled(waiting);
    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'RMQ_CONNECTION_LOST', address, sent: 'maybe', retryable: true },
      });
    }
    expect(lost).toEqual([address]);
    expect(client.isConnected(address)).toBe(false);
    forget();
    await client.invoke(address, { code: 12 }, { timeoutMs });
    expect(client.isConnected(address)).toBe(true);
    await waitFor(() => server.statistics.connections === 1);
  });

  test('a request that is started when another fails goes over a new connection', async () => {
    const transport = spyTransport(make());
    const { client, address } = await remotingPair(transport, {}, (server) => {
      server.process(10, (_request, connection) => {
        connection.close();
        return 'later';
      });
      server.process(12, () => ({ code: 0 }));
    });
    const again = new Promise<RemotingCommand | undefined>((resolve, reject) => {
      const second: RequestObserver = { onResponse: resolve, onFailure: reject };
      client.start(
        address,
        { code: 10 },
        { timeoutMs },
        {
          onResponse: resolve,
          onFailure: () => client.start(address, { code: 12 }, { timeoutMs }, second),
        },
      );
    });
    expect((await again)?.code).toBe(0);
    expect(transport.connects).toBe(2);
  });

  test('a failed connect fails all who wait for it, by the address; the next use tries again', async () => {
    const transport = spyTransport(make());
    const client = closeAfterTest(createRemotingClient({ transport }));
    const taken = await transport.listen({ host: '127.0.0.1', port: 0 }, () => ({ data: () => {}, closed: () => {} }));
    const address = `127.0.0.1:${taken.address.port}`;
    await taken.close();
    for (const round of [1, 2]) {
      const results = await Promise.allSettled(
        Array.from({ length: 3 }, () => client.invoke(address, { code: 10 }, { timeoutMs })),
      );
      for (const result of results) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'RMQ_CONNECT_FAILED', address } });
        expect((result as PromiseRejectedResult).reason.message).toContain(address);
      }
      expect(transport.connects).toBe(round);
    }
  });

  test('an observer that throws harms nobody, and hears nothing before start has returned', async () => {
    const { client, address } = await remotingPair(make(), {}, (server) => server.process(10, () => ({ code: 0 })));
    let returned = false;
    let heardTooEarly = false;
    const thrower: RequestObserver = {
      onResponse() {
        heardTooEarly ||= !returned;
        throw new Error('from an observer');
      },
      onFailure: () => {},
    };
    client.start(address, { code: 10 }, { timeoutMs }, thrower);
    returned = true;
    const other = await client.invoke(address, { code: 10 }, { timeoutMs });
    expect(other.code).toBe(0);
    expect(heardTooEarly).toBe(false);
  });

  test('a frame larger than the limit is refused before it leaves, and the connection stays', async () => {
    const { client, address } = await remotingPair(make(), { client: { frameSizeBytesMax: 5_000 } }, (server) =>
      server.process(10, () => ({ code: 0 })),
    );
    await client.invoke(address, { code: 10 }, { timeoutMs });
    const large = client.invoke(address, { code: 10, body: Buffer.alloc(5_000) }, { timeoutMs });
    await expect(large).rejects.toMatchObject({ code: 'RMQ_FRAME_INVALID', address });
    expect(client.isConnected(address)).toBe(true);
    expect(client.statistics.inFlight).toBe(0);
  });

  test('opaque wraps after 2^31 - 1', async () => {
    const opaques: number[] = [];
    const { client, address } = await remotingPair(make(), { client: { firstOpaque: 2 ** 31 - 2 } }, (server) =>
      server.process(10, (request) => {
        opaques.push(request.opaque);
        return { code: 0 };
      }),
    );
    for (let count = 0; count < 4; count++) await client.invoke(address, { code: 10 }, { timeoutMs });
    expect(opaques).toEqual([2 ** 31 - 2, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1]);
  });

  test('close fails what is pending, refuses what comes later, and may be called twice', async () => {
    let arrived = false;
    const { client, server, address } = await remotingPair(make(), {}, (each) =>
      each.process(10, () => {
        arrived = true;
        return 'later';
      }),
    );
    const lost: string[] = [];
    client.onConnectionLost((which) => lost.push(which));
    const pending = client.invoke(address, { code: 10 }, { timeoutMs }).catch((error: unknown) => error);
    await waitFor(() => arrived);
    await Promise.all([client.close(), client.close()]);
    expect(await pending).toMatchObject({ code: 'RMQ_CONNECTION_LOST', sent: 'maybe' });
    await expect(client.invoke(address, { code: 10 }, { timeoutMs })).rejects.toMatchObject({
      code: 'RMQ_NOT_RUNNING',
    });
    await expect(client.oneway(address, { code: 10 }, { timeoutMs })).rejects.toMatchObject({
      code: 'RMQ_NOT_RUNNING',
    });
    expect(lost).toEqual([]);
    await waitFor(() => server.statistics.connections === 0);
  });

  test('close while it connects fails the waiting request', async () => {
    const { client, address } = await remotingPair(make());
    const pending = client.invoke(address, { code: 10 }, { timeoutMs }).catch((error: unknown) => error);
    await client.close();
    expect(await pending).toMatchObject({ code: 'RMQ_CONNECTION_LOST', sent: 'no' });
  });

  test('connections to addresses that are not needed any more are closed when nothing is in flight', async () => {
    const { client, address } = await remotingPair(make(), {}, (server) => {
      server.process(10, () => ({ code: 0 }));
      server.process(11, (_request, _connection, respond) => {
        setTimeout(() => respond({ code: 0 }), 20);
        return 'later';
      });
    });
    const lost: string[] = [];
    client.onConnectionLost((which) => lost.push(which));
    await client.invoke(address, { code: 10 }, { timeoutMs });
    client.retainAddresses((each) => each === address);
    expect(client.isConnected(address)).toBe(true);
    const inFlight = client.invoke(address, { code: 11 }, { timeoutMs });
    client.retainAddresses(() => false);
    expect((await inFlight).code).toBe(0);
    client.retainAddresses(() => false);
    expect(client.isConnected(address)).toBe(false);
    expect(lost).toEqual([]);
  });

  test('an advertised address is translated before it is connected to', async () => {
    let real = '';
    const { client, address } = await remotingPair(
      make(),
      { client: { resolveAddress: (advertised) => (advertised === 'broker-a.inside:10911' ? real : advertised) } },
      (server) => server.process(10, () => ({ code: 0 })),
    );
    real = address;
    await client.invoke('broker-a.inside:10911', { code: 10 }, { timeoutMs });
    expect(client.isConnected('broker-a.inside:10911')).toBe(true);
    real = 'nonsense';
    const { client: other } = await remotingPair(make(), { client: { resolveAddress: () => 'nonsense' } });
    const failing = other.invoke('broker-b.inside:10911', { code: 10 }, { timeoutMs });
    await expect(failing).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED', address: 'broker-b.inside:10911' });
  });

  describe('requests of the server’s own', () => {
    test('are answered on the same connection, out of order where they finish out of order', async () => {
      const { client, address, server } = await remotingPair(make(), {}, (each) =>
        each.process(10, () => ({ code: 0 })),
      );
      const finish = new Map<string, () => void>();
      client.handle(220, (request, from) => {
        expect(from).toBe(address);
        const name = request.ext.name!;
        return new Promise((resolve) => {
          finish.set(name, () => resolve({ code: 0, remark: name, body: request.body }));
        });
      });
      const connecting = new Promise<Parameters<Parameters<typeof server.onConnection>[0]>[0]>((resolve) =>
        server.onConnection(resolve),
      );
      await client.invoke(address, { code: 10 }, { timeoutMs });
      const connection = await connecting;
      const order: string[] = [];
      const asked = ['first', 'second'].map(async (name) => {
        const answer = await connection.invoke({ code: 220, ext: { name }, body: Buffer.from(name) }, { timeoutMs });
        order.push(answer.remark!);
        return answer;
      });
      await waitFor(() => finish.size === 2);
      finish.get('second')!();
      await waitFor(() => order.length === 1);
      finish.get('first')!();
      const answers = await Promise.all(asked);
      expect(order).toEqual(['second', 'first']);
      expect(answers.map((answer) => answer.body.toString())).toEqual(['first', 'second']);
      expect(answers[0]).toMatchObject({ language: 7, version: 407, flag: CommandFlag.RESPONSE });
    });

    test('without a handler are refused, with one that fails answered by its error', async () => {
      const { client, address, server } = await remotingPair(make(), {}, (each) =>
        each.process(10, () => ({ code: 0 })),
      );
      client.handle(221, () => {
        throw new RangeError('sync');
      });
      client.handle(222, () => Promise.reject(new Error('async')));
      const heard: string[] = [];
      client.handle(223, (request) => {
        heard.push(request.body.toString());
        return undefined;
      });
      expect(() => client.handle(223, () => undefined)).toThrow(
        expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID' }),
      );
      const connecting = new Promise<Parameters<Parameters<typeof server.onConnection>[0]>[0]>((resolve) =>
        server.onConnection(resolve),
      );
      await client.invoke(address, { code: 10 }, { timeoutMs });
      const connection = await connecting;
      const ask = (code: number) => connection.invoke({ code }, { timeoutMs });
      expect(await ask(299)).toMatchObject({ code: 3, remark: ' request type 299 not supported' });
      expect(await ask(221)).toMatchObject({ code: 1, remark: 'RangeError: sync' });
      expect(await ask(222)).toMatchObject({ code: 1, remark: 'Error: async' });
      connection.oneway({ code: 223, body: Buffer.from('told') });
      await waitFor(() => heard.length === 1);
      expect(heard).toEqual(['told']);
      const unanswered = connection.invoke({ code: 223 }, { timeoutMs: 30 });
      await expect(unanswered).rejects.toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', sent: 'maybe' });
    });
  });
});

describe('remoting client and time', () => {
  function virtualPair(silenceMsMax?: number) {
    const clock = virtualClock();
    const transport = spyTransport(createMemoryTransport());
    return { clock, transport, pair: { client: { clock, ...(silenceMsMax !== undefined && { silenceMsMax }) } } };
  }

  test('an idle connection is closed after 120 s without telling anybody of a loss, a pending one is not', async () => {
    const { clock, transport, pair } = virtualPair();
    const { client, address } = await remotingPair(transport, pair, (server) => {
      server.process(10, () => ({ code: 0 }));
      server.process(11, () => 'later');
    });
    const lost: string[] = [];
    client.onConnectionLost((which) => lost.push(which));
    const first = client.invoke(address, { code: 10 }, { timeoutMs });
    await clock.advance(1);
    await first;
    await clock.advance(100_000);
    const second = client.invoke(address, { code: 10 }, { timeoutMs });
    await clock.advance(1);
    await second;
    await clock.advance(119_000);
    expect(client.isConnected(address)).toBe(true);
    await clock.advance(2_000);
    expect(client.isConnected(address)).toBe(false);
    const waiting = client.invoke(address, { code: 11 }, { timeoutMs: 200_000 }).catch((error: unknown) => error);
    await clock.advance(199_000);
    expect(client.isConnected(address)).toBe(true);
    expect(client.statistics.inFlight).toBe(1);
    await client.close();
    expect(await waiting).toMatchObject({ code: 'RMQ_CONNECTION_LOST' });
    expect(lost).toEqual([]);
  });

  test('a connection that stays silent while requests time out is given up; one that speaks is kept', async () => {
    const { clock, transport, pair } = virtualPair();
    const { client, address } = await remotingPair(transport, pair, (server) => {
      server.process(10, () => ({ code: 0 }));
      server.process(11, () => 'later');
    });
    const lost: string[] = [];
    client.onConnectionLost((which) => lost.push(which));
    const failures: unknown[] = [];
    const hang = (forMs: number): void => {
      client.invoke(address, { code: 11 }, { timeoutMs: forMs }).catch((error: unknown) => failures.push(error));
    };
    hang(2_000);
    await clock.advance(1_000);
    const answered = client.invoke(address, { code: 10 }, { timeoutMs });
    await clock.advance(0);
    await answered;
    await clock.advance(1_000);
    expect(failures).toHaveLength(1);
    expect(client.isConnected(address)).toBe(true);
    hang(3_000);
    hang(30_000);
    await clock.advance(3_000);
    expect(failures.slice(1)).toMatchObject([{ code: 'RMQ_REQUEST_TIMEOUT' }, { code: 'RMQ_CONNECTION_LOST' }]);
    expect(client.isConnected(address)).toBe(false);
    expect(lost).toEqual([address]);
  });

  test('a request’s own deadline holds while it connects, and nothing of it has left', async () => {
    const address = await unansweringAddress();
    const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const short = client.invoke(address, { code: 10 }, { timeoutMs: 40 });
    await expect(short).rejects.toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', address, sent: 'no' });
    const other = closeAfterTest(createRemotingClient({ transport: tcpTransport, connectTimeoutMs: 40 }));
    const long = other.invoke(address, { code: 10 }, { timeoutMs: 5_000 });
    await expect(long).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED', address });
  });

  test('an idle connection does not keep the process alive, an awaited request does', async () => {
    const { address } = await fakeServer((command, socket) => {
      if (command.code === 10) socket.write(frameBytes({ code: 0, opaque: command.opaque, flag: 1 }));
    });
    const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const keeping = (kind: string): number => process.getActiveResourcesInfo().filter((name) => name === kind).length;
    const timersBefore = keeping('Timeout');
    await client.invoke(address, { code: 10 }, { timeoutMs });
    // One socket of the fake server's, none of the client's.
    expect(keeping('TCPSocketWrap')).toBe(1);
    // The test runner has timers of its own, which come and go between turns.
    await waitFor(() => keeping('Timeout') <= timersBefore, { what: 'no timer of the idle connection' });
    const idle = keeping('Timeout');
    const pending = client.start(address, { code: 11 }, { timeoutMs }, recorder());
    expect(keeping('Timeout')).toBe(idle + 1);
    pending.cancel();
    expect(keeping('Timeout')).toBe(idle);
  });

  test('a close that waits for its connections keeps the process alive, whatever they do', async () => {
    let isGone = (): void => {};
    const silent: Transport = {
      name: 'silent',
      connect: async (address, { events }) => {
        const { closed } = events({ ...wire, remoteAddress: address });
        isGone = () => closed(undefined);
        return wire;
      },
      listen: () => Promise.reject(new Error('nobody listens')),
    };
    const ignore = (): void => {};
    const wire: Wire = {
      ...{ remoteAddress: '', localAddress: '', bufferedBytes: 0, write: () => true, pause: ignore, resume: ignore },
      ...{ end: ignore, destroy: ignore, setRef: ignore },
    };
    const client = createRemotingClient({ transport: silent });
    await client.oneway('127.0.0.1:1', { code: 10 }, { timeoutMs: 1 }).catch(ignore);
    const keeping = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = keeping();
    const closing = client.close();
    await nextTurn();
    expect(keeping()).toBe(before + 1);
    isGone();
    await closing;
  });
});

describe('remoting client and peers that misbehave', () => {
  const strangers: readonly (readonly [string, Buffer, RegExp])[] = [
    ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /looks like an HTTP server/],
    ['a TLS server', Buffer.from([0x15, 3, 3, 0, 2, 2, 0x28]), /looks like TLS/],
    ['a gRPC server', Buffer.from([0, 0, 0x12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]), /looks like a gRPC server/],
    ['an SSH server', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'), /SSH/],
    ['garbage', Buffer.from('0000001100ffffff00000000', 'hex'), /no remoting frame/],
    ['a 2 GiB length', Buffer.from('7fffffff00000010', 'hex'), /no remoting frame/],
    ['a negative length', Buffer.from('ffffffff00000010', 'hex'), /no remoting frame/],
  ];

  test.each(strangers)('%s is refused by what it looks like', async (_name, bytes, message) => {
    const { address } = await tcpPeer((socket) => socket.once('data', () => socket.write(bytes)));
    const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const lost: string[] = [];
    client.onConnectionLost((which) => lost.push(which));
    const failure = await client.invoke(address, { code: 105 }, { timeoutMs }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'RMQ_FRAME_INVALID', address });
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).toContain(address);
    expect(lost).toEqual([address]);
  });

  test('a stranger whose words come byte by byte is recognised too', async () => {
    const { address } = await tcpPeer((socket) => {
      socket.setNoDelay(true);
      socket.once('data', async () => {
        for (const byte of [0, 0, 0x12, 4, 0, 0, 0, 0, 0]) {
          socket.write(Buffer.from([byte]));
          await nextTurn();
        }
      });
    });
    const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const asked = client.invoke(address, { code: 105 }, { timeoutMs });
    await expect(asked).rejects.toThrow(/gRPC/);
  });

  test('a peer that dies in the middle of a frame is a lost connection that says so', async () => {
    const { address } = await fakeServer((command, socket) => {
      const whole = frameBytes({ code: 0, opaque: command.opaque, flag: 1, body: Buffer.alloc(100) });
      socket.end(whole.subarray(0, whole.length - 1));
    });
    const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const asked = client.invoke(address, { code: 105 }, { timeoutMs });
    await expect(asked).rejects.toMatchObject({
      code: 'RMQ_CONNECTION_LOST',
      message: expect.stringContaining('in the middle of a frame'),
    });
  });

  test('answers written in pieces, glued together, doubled and unasked for do no harm', async () => {
    const { address } = await fakeServer((command, socket) => {
      const unasked = frameBytes({ code: 0, opaque: 9_999, flag: 1 });
      const answer = frameBytes({ code: 0, opaque: command.opaque, flag: 1, body: Buffer.from('right') });
      const bytes = Buffer.concat([unasked, answer, answer]);
      socket.setNoDelay(true);
      socket.write(bytes.subarray(0, 7));
      setImmediate(() => socket.write(bytes.subarray(7)));
    });
    const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const response = await client.invoke(address, { code: 105 }, { timeoutMs });
    expect(response.body.toString()).toBe('right');
    await waitFor(() => client.statistics.lateResponses === 2);
  });

  test('what a peer that does not read leaves unsent can still be taken back', async () => {
    const { address } = await tcpPeer((socket) => socket.pause());
    const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const body = Buffer.alloc(1_000_000);
    const observers: ReturnType<typeof recorder>[] = [];
    const pendings = Array.from({ length: 30 }, () => {
      const observer = recorder();
      observers.push(observer);
      return client.start(address, { code: 10, body }, { timeoutMs }, observer);
    });
    await waitFor(() => pendings[0]!.sent === 'maybe');
    const last = client.start(address, { code: 10, body }, { timeoutMs: 60 }, recorder());
    const doomed = client.invoke(address, { code: 10, body }, { timeoutMs: 60 }).catch((error: unknown) => error);
    await nextTurn();
    expect(last.sent).toBe('no');
    expect(await doomed).toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', sent: 'no' });
    for (const pending of pendings) pending.cancel();
    expect(observers.flatMap((observer) => observer.heard)).toEqual([]);
    await waitFor(() => client.statistics.inFlight === 0);
  });

  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(() => void process.on('unhandledRejection', onUnhandled));
  afterAll(() => void process.off('unhandledRejection', onUnhandled));
  afterEach(() => {
    expect(unhandled).toEqual([]);
  });
});
