/** Somebody else at the address: the error says who it looks like and what to do. A fake of each, real where Node has it. */
import { createServer as createHttpServer } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRemotingClient } from '../../core/remoting/client.js';
import { expectSuccess } from '../../core/remoting/expect-success.js';
import { recogniseRefusal } from '../../core/remoting/peer-recognition.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { createRemotingServer } from '../../core/remoting/server.js';
import { createTcpTransport, tcpTransport } from '../../core/remoting/tcp-transport.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tcpPeer } from '../kit/tcp-peer.js';
import { ca, certificate } from '../kit/tls-material.js';
import { waitFor } from '../kit/wait-for.js';

/** Listens on a free port until the test has finished. */
async function listening(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
  close(): unknown;
}): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** How a request for a route ends there. `timeoutMs` is that of the handshake with TLS, of the answer without. */
async function failureAt(address: string, { tls = false, timeoutMs = 3_000 } = {}): Promise<unknown> {
  const transport = createTcpTransport({ tls: tls && { ca } });
  const client = closeAfterTest(createRemotingClient({ transport, connectTimeoutMs: tls ? timeoutMs : 3_000 }));
  return client
    .invoke(
      address,
      { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, ext: { topic: 'T' } },
      { timeoutMs: tls ? 3_000 : timeoutMs },
    )
    .then((response) => expectSuccess(response, { address }))
    .then(
      () => expect.fail('somebody answered'),
      (error: unknown) => error,
    );
}

const saying = (code: string, message: RegExp, hint: RegExp) => ({
  code,
  message: expect.stringMatching(message),
  hint: expect.stringMatching(hint),
});

describe('a client that was given', () => {
  test('the port of an HTTP server', async () => {
    const address = await listening(createHttpServer());
    expect(await failureAt(address)).toMatchObject({
      ...saying('RMQ_FRAME_INVALID', /looks like an HTTP server/, /9876.*10911/),
      address,
    });
  });

  test('the port of a gRPC proxy', async () => {
    const address = await listening(createHttp2Server());
    expect(await failureAt(address)).toMatchObject({
      ...saying('RMQ_FRAME_INVALID', /looks like a gRPC server .*proxy/, /8081.*name server.*9876/),
      address,
    });
  });

  test('the port of a gRPC proxy that says goodbye first', async () => {
    const goaway = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    const { address } = await tcpPeer((socket) => socket.once('data', () => socket.end(goaway)));
    expect(await failureAt(address)).toMatchObject(saying('RMQ_FRAME_INVALID', /gRPC server/, /9876/));
  });

  test('a broker where a name server is needed', async () => {
    const broker = closeAfterTest(createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0 }));
    broker.process(RequestCode.SEND_MESSAGE_V2, () => ({ code: 0 }));
    await broker.listen();
    const address = `127.0.0.1:${broker.address.port}`;
    expect(await failureAt(address)).toMatchObject({
      ...saying('RMQ_BROKER_ERROR', /looks like a broker, where a name server is needed/, /9876/),
      responseCode: 3,
      address,
    });
  });

  test('the port of a TLS server without TLS, when that says so', async () => {
    const { address } = await tcpPeer((socket) =>
      socket.once('data', () => socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46]))),
    );
    expect(await failureAt(address)).toMatchObject(saying('RMQ_FRAME_INVALID', /looks like TLS/, /tls: true/));
  });

  test('the port of a TLS server without TLS, when that just hangs up', async () => {
    const address = await listening(createTlsServer(certificate('server')).on('tlsClientError', () => {}));
    expect(await failureAt(address)).toMatchObject({
      ...saying('RMQ_CONNECTION_LOST', /./, /may want TLS \(tls: true\).*9876/),
      address,
    });
    const { address: wordless } = await tcpPeer((socket) => socket.once('data', () => socket.end()));
    expect(await failureAt(wordless)).toMatchObject(
      saying('RMQ_CONNECTION_LOST', /closed it without having said anything/, /may want TLS/),
    );
  });

  test.each([
    ['an HTTP server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a gRPC proxy', Buffer.from([0, 0, 0x12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100])],
  ])('TLS and the port of %s', async (_name, words) => {
    const { address } = await tcpPeer((socket) => socket.write(words));
    expect(await failureAt(address, { tls: true })).toMatchObject({
      ...saying('RMQ_CONNECT_FAILED', /something that is not TLS/, /^TLS is on at this side only/),
      address,
    });
  });

  test('TLS and a plain remoting port', async () => {
    const plain = closeAfterTest(createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0 }));
    await plain.listen();
    expect(await failureAt(`127.0.0.1:${plain.address.port}`, { tls: true })).toMatchObject(
      saying('RMQ_CONNECT_FAILED', /in the middle of the TLS handshake/, /^TLS.*disabled.*Leave the option tls out/),
    );
  });

  test('a port that takes connections and says nothing', async () => {
    const { address } = await tcpPeer((socket) => void socket.resume());
    // Long enough for a busy machine to connect in.
    const timeoutMs = 250;
    expect(await failureAt(address, { timeoutMs })).toMatchObject({
      ...saying('RMQ_REQUEST_TIMEOUT', /within 250 ms; it has never said anything/, /no remoting port.*9876.*TLS/),
      address,
    });
    expect(await failureAt(address, { tls: true, timeoutMs })).toMatchObject(
      saying('RMQ_CONNECT_FAILED', /the handshake did not end within 250 ms/, /^TLS.*9876/),
    );
  });
});

test('a name server that leaves unanswered what is for brokers is known by what it answered before', async () => {
  const nameServer = closeAfterTest(createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0 }));
  nameServer.process(RequestCode.GET_ROUTEINFO_BY_TOPIC, () => ({ code: 17 }));
  nameServer.processOthers(() => undefined);
  await nameServer.listen();
  const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
  const address = `127.0.0.1:${nameServer.address.port}`;
  const ask = (code: number, timeoutMs = 30) =>
    client.invoke(address, { code }, { timeoutMs }).catch((error: unknown) => error);
  // It is connected then: connecting counts too.
  await client.oneway(address, { code: RequestCode.SEND_MESSAGE_V2 }, { timeoutMs: 3_000 });
  expect(await ask(RequestCode.SEND_MESSAGE_V2)).toMatchObject(
    saying('RMQ_REQUEST_TIMEOUT', /never said anything/, /Apache 4\.9 name server/),
  );
  expect(await ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, 3_000)).toMatchObject({ code: 17 });
  expect(await ask(RequestCode.SEND_MESSAGE_V2)).toMatchObject(
    saying('RMQ_REQUEST_TIMEOUT', /looks like a name server, where a broker is needed/, /resolveAddress/),
  );
});

test('a server that has answered once is not taken for a stranger when it is slow', async () => {
  const server = closeAfterTest(createRemotingServer(tcpTransport, { host: '127.0.0.1', port: 0 }));
  server.process(10, () => ({ code: 0 }));
  server.process(11, () => 'later');
  await server.listen();
  const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
  const address = `127.0.0.1:${server.address.port}`;
  await client.invoke(address, { code: 10 }, { timeoutMs: 3_000 });
  const failure = await client.invoke(address, { code: 11 }, { timeoutMs: 30 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', message: `no answer from ${address} within 30 ms` });
});

describe('a refusal', () => {
  const refused = (code: number, requestCode: number) =>
    recogniseRefusal({ code, remark: ` request type ${requestCode} not supported` })?.what;

  test('of what only the other kind of server knows tells which kind it is', () => {
    expect(refused(3, RequestCode.GET_ROUTEINFO_BY_TOPIC)).toMatch(/^a broker/);
    expect(refused(3, RequestCode.REGISTER_BROKER)).toMatch(/^a broker/);
    expect(refused(3, RequestCode.SEND_MESSAGE_V2)).toMatch(/^a name server/);
    expect(refused(3, RequestCode.HEART_BEAT)).toMatch(/^a name server/);
  });

  test('of anything else, or for another reason, tells nothing', () => {
    expect(refused(3, 9_999)).toBeUndefined();
    expect(refused(1, RequestCode.HEART_BEAT)).toBeUndefined();
    expect(recogniseRefusal({ code: 3, remark: undefined })).toBeUndefined();
  });
});

describe('a server that is called by', () => {
  async function serving() {
    const warnings: { readonly message: string; readonly hint: string }[] = [];
    const server = createRemotingServer(tcpTransport, {
      host: '127.0.0.1',
      port: 0,
      logger: {
        debug: () => {},
        info: () => {},
        warn: (_message, fields) => void warnings.push(fields?.error as { message: string; hint: string }),
        error: () => {},
      },
    });
    closeAfterTest(server);
    await server.listen();
    const heard = async () => {
      await waitFor(() => warnings.length === 1 && server.statistics.connections === 0);
      expect(server.statistics.invalidFrames).toBe(1);
      return warnings[0]!;
    };
    return { port: server.address.port, heard };
  }

  test('a browser', async () => {
    const { port, heard } = await serving();
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    expect((await heard()).message).toMatch(/looks like an HTTP request/);
  });

  test('a gRPC client', async () => {
    const { port, heard } = await serving();
    const session = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {});
    onTestFinished(() => session.destroy());
    expect(await heard()).toMatchObject(saying('RMQ_FRAME_INVALID', /looks like a gRPC client/, /need its proxy/));
  });

  test('a TLS client', async () => {
    const { port, heard } = await serving();
    const socket = connectTls({ host: '127.0.0.1', port }).on('error', () => {});
    onTestFinished(() => void socket.destroy());
    expect(await heard()).toMatchObject(
      saying('RMQ_FRAME_INVALID', /a TLS handshake: .*here it is disabled/, /tls\.cert and tls\.key/),
    );
  });
});
