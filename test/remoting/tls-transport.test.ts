import { connect as connectSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { createRemotingClient } from '../../core/remoting/client.js';
import type { RemotingClient } from '../../core/remoting/remoting-client.js';
import type { RemotingServer } from '../../core/remoting/remoting-server.js';
import { createRemotingServer, type RemotingServerSettings } from '../../core/remoting/server.js';
import { createTcpTransport, tcpTransport } from '../../core/remoting/tcp-transport.js';
import type { ServerTlsOptions, TlsOptions } from '../../core/remoting/tls/tls-options.js';
import type { Logger } from '../../core/runtime/logger.js';
import { transportContract } from '../contract/transport.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tcpPeer } from '../kit/tcp-peer.js';
import { ca, certificate, pem } from '../kit/tls-material.js';
import { waitFor } from '../kit/wait-for.js';
import { frameBytes, rawClient } from './remoting-setup.js';

const timeoutMs = 30_000;
const server = certificate('server');

transportContract('tls', () => createTcpTransport({ tls: { ca }, serverTls: { ...server, mode: 'enforcing' } }));
transportContract('plain beside tls', () => createTcpTransport({ serverTls: server }));

/** A server that answers code 10, and what it warned of. */
async function serving(
  serverTls: ServerTlsOptions | undefined,
  settings: Partial<RemotingServerSettings> = {},
): Promise<{ readonly server: RemotingServer; readonly address: string; readonly warnings: string[] }> {
  const warnings: string[] = [];
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (_message, fields) => void warnings.push(String((fields?.error as Error | undefined)?.message)),
    error: (message) => void warnings.push(message),
  };
  const transport = createTcpTransport(serverTls && { serverTls });
  const listening = createRemotingServer(transport, { host: '127.0.0.1', port: 0, logger, ...settings });
  listening.process(10, ({ body }) => ({ code: 0, body }));
  await listening.listen();
  closeAfterTest(listening);
  return { server: listening, address: `127.0.0.1:${listening.address.port}`, warnings };
}

function clientWith(tls: boolean | TlsOptions, connectTimeoutMs = 3_000): RemotingClient {
  return closeAfterTest(createRemotingClient({ transport: createTcpTransport({ tls }), connectTimeoutMs }));
}

/** What asking comes to: the answer's body, or the error. */
function ask(client: RemotingClient, address: string, body = Buffer.from('hello')): Promise<unknown> {
  return client.invoke(address, { code: 10, body }, { timeoutMs }).then(
    (response) => response.body.toString(),
    (error: unknown) => error,
  );
}

/** A refusal in the handshake: typed, with Node's error beneath and a hint that names TLS. */
function refusal(cause: object, message: RegExp) {
  return {
    code: 'RMQ_CONNECT_FAILED',
    cause: expect.objectContaining(cause),
    hint: expect.stringMatching(/^TLS/),
    message: expect.stringMatching(message),
  };
}

describe('the client checks the server', () => {
  test('and trusts nobody it was not told to', async () => {
    const { address, warnings } = await serving(server);
    expect(await ask(clientWith(true), address)).toMatchObject({
      ...refusal({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, /nobody that this process trusts/),
      address,
    });
    const other = await ask(clientWith({ ca: pem('other-ca') }), address);
    expect(other).toMatchObject(
      refusal({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, /nobody that this process trusts/),
    );
    await waitFor(() => warnings.length > 0);
    // One line for the two: they come from one host within a minute.
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^no TLS with 127\.0\.0\.1:\d+: the handshake was broken off/);
  });

  test('by address and by name', async () => {
    const { address } = await serving(server);
    expect(await ask(clientWith({ ca }), address)).toBe('hello');
    expect(await ask(clientWith({ ca }), address.replace('127.0.0.1', 'localhost'))).toBe('hello');
  });

  test('and refuses a certificate for another host, unless that is the host it was told to look for', async () => {
    const { address } = await serving(certificate('wrong-host'));
    expect(await ask(clientWith({ ca }), address)).toMatchObject({
      ...refusal({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, /for another host/),
      hint: expect.stringContaining('tls.servername'),
    });
    expect(await ask(clientWith({ ca, servername: 'elsewhere.invalid' }), address)).toBe('hello');
  });

  test('and refuses a certificate that has expired', async () => {
    const { address } = await serving(certificate('expired'));
    expect(await ask(clientWith({ ca }), address)).toMatchObject(refusal({ code: 'CERT_HAS_EXPIRED' }, /has expired/));
  });

  test('unless it was told not to', async () => {
    const { address } = await serving(certificate('expired'));
    expect(await ask(clientWith({ rejectUnauthorized: false }), address)).toBe('hello');
  });

  test('and both must have a version in common', async () => {
    const { address } = await serving({ ...server, minVersion: 'TLSv1.3' });
    expect(await ask(clientWith({ ca, maxVersion: 'TLSv1.2' }), address)).toMatchObject(
      refusal({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' }, /no TLS version or cipher in common/),
    );
  });
});

describe('the server checks the client', () => {
  const mutual: ServerTlsOptions = { ...server, ca, requestCert: true };

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('and takes none without a certificate, with %s', async (maxVersion) => {
    const { server: refusing, address, warnings } = await serving(mutual);
    const client = clientWith({ ca, maxVersion });
    expect(await ask(client, address)).toMatchObject({
      ...refusal({ code: expect.stringContaining('ALERT') }, /refused this client/),
      hint: expect.stringContaining('tls.cert and tls.key'),
    });
    await waitFor(() => warnings.length === 1 && refusing.statistics.connections === 0);
    expect(warnings[0]).toContain('peer did not return a certificate');
    expect(client.isConnected(address)).toBe(false);
  });

  test('nor with one that another authority signed', async () => {
    const { server: refusing, address, warnings } = await serving(mutual);
    const failure = await ask(clientWith({ ca, ...certificate('other-client') }), address);
    // Node's server just hangs up: the client cannot know why, and is told what it may be.
    expect(failure).toMatchObject({ code: 'RMQ_CONNECTION_LOST', hint: expect.stringContaining('client certificate') });
    await waitFor(() => warnings.length === 1 && refusing.statistics.connections === 0);
  });

  test('and takes one that it knows', async () => {
    const { address, warnings } = await serving({ ...mutual, mode: 'enforcing' });
    expect(await ask(clientWith({ ca, ...certificate('client') }), address)).toBe('hello');
    expect(warnings).toEqual([]);
  });
});

describe('one port', () => {
  test('takes both kinds side by side when it is permissive', async () => {
    const { server: both, address } = await serving({ ...server, mode: 'permissive' });
    const plain = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
    const secure = clientWith({ ca });
    const bodies = [0, 1, 5_000, 3_000_000].map((size) => Buffer.alloc(size, 'b'));
    for (const client of [plain, secure, plain, secure]) {
      const answers = await Promise.all(bodies.map((body) => ask(client, address, body)));
      expect(answers).toEqual(bodies.map(String));
    }
    expect(both.statistics.connections).toBe(2);
  });

  test('is permissive when it has a certificate, and plain when it has none', async () => {
    const permissive = await serving(server);
    const plain = await serving({});
    expect(await ask(clientWith(false), permissive.address)).toBe('hello');
    expect(await ask(clientWith({ ca }), permissive.address)).toBe('hello');
    expect(await ask(clientWith(false), plain.address)).toBe('hello');
    expect(await ask(clientWith({ ca }), plain.address)).toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
  });

  test.each([
    ['enforcing', 'a plain client', { ...server, mode: 'enforcing' }, false],
    ['disabled', 'a TLS client', { ...server, mode: 'disabled' }, true],
    ['without options', 'a TLS client', undefined, true],
  ] as const)('%s closes %s at once, and both sides say why', async (_mode, _client, serverTls, tls) => {
    const { server: strict, address, warnings } = await serving(serverTls);
    const failure = await ask(clientWith(tls && { ca }), address);
    if (tls)
      expect(failure).toMatchObject(refusal({ code: 'ECONNRESET' }, /closed the connection in the middle of the TLS/));
    else {
      expect(failure).toMatchObject({
        code: 'RMQ_FRAME_INVALID',
        address,
        message: expect.stringContaining('looks like TLS'),
        hint: expect.stringContaining('tls: true'),
      });
    }
    await waitFor(() => strict.statistics.connections === 0);
    expect(strict.statistics.invalidFrames).toBe(1);
    expect(warnings).toEqual([
      expect.stringMatching(tls ? /a TLS handshake.*here it is disabled/ : /does not speak TLS/),
    ]);
  });

  test('reads a first plain frame that comes byte by byte', async () => {
    const { address } = await serving(server);
    const { socket, received } = await rawClient(address);
    socket.setNoDelay(true);
    for (const byte of frameBytes({ code: 10, opaque: 7, flag: 0, body: Buffer.from('slow') })) {
      await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
    }
    await waitFor(() => received.length === 1);
    expect(received[0]).toMatchObject({ opaque: 7, code: 0 });
    expect(received[0]!.body.toString()).toBe('slow');
  });

  test('reads a hello that comes byte by byte', async () => {
    const { address } = await serving({ ...server, mode: 'enforcing' });
    const target = { host: '127.0.0.1', port: Number(address.split(':')[1]) };
    const relay = await tcpPeer((near) => {
      const far = connectSocket({ ...target, noDelay: true });
      near.on('data', (chunk: Buffer) => {
        for (const byte of chunk) far.write(Buffer.from([byte]));
      });
      far.pipe(near);
      far.on('error', () => near.destroy());
      near.on('close', () => far.destroy());
    });
    expect(await ask(clientWith({ ca }), relay.address)).toBe('hello');
  });
});

describe('a handshake that does not end', () => {
  test('is given up by the server in its time, even when bytes keep dripping, and others are served meanwhile', async () => {
    const { server: patient, address, warnings } = await serving({ ...server, handshakeTimeout: 600 });
    const { socket, closed } = await rawClient(address);
    // A record of 512 bytes with a hello of 508: all of them would have to come.
    socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]));
    const drip = setInterval(() => socket.write(Buffer.from([1])), 20);
    try {
      await waitFor(() => patient.statistics.connections === 1);
      expect(await ask(clientWith({ ca }), address)).toBe('hello');
      await closed();
    } finally {
      clearInterval(drip);
    }
    await waitFor(() => patient.statistics.connections === 1, { what: 'only the good client to be left' });
    expect(warnings).toEqual([expect.stringContaining('the handshake did not end within 600 ms')]);
  });

  test('counts as a connection', async () => {
    const { server: small, address } = await serving(server, { connectionsMax: 1 });
    const { socket } = await rawClient(address);
    socket.write(Buffer.from([0x16]));
    await waitFor(() => small.statistics.connections === 1);
    expect(await ask(clientWith({ ca }), address)).toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
    expect(small.statistics.refusedConnections).toBe(1);
  });

  test('does not hold up a server that closes', async () => {
    const { server: closing, address } = await serving(server, { closeTimeoutMs: 50 });
    const { socket, closed } = await rawClient(address);
    socket.write(Buffer.from([0x16, 3, 1]));
    await waitFor(() => closing.statistics.connections === 1);
    await closing.close();
    await closed();
    expect(closing.statistics.connections).toBe(0);
  });

  test('is given up by the client in its time', async () => {
    const { address } = await tcpPeer((socket) => void socket.resume());
    const failure = await ask(clientWith({ ca }, 60), address);
    expect(failure).toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
      address,
      message: expect.stringContaining('the handshake did not end within 60 ms'),
      hint: expect.stringMatching(/^TLS/),
    });
  });
});

test('what fails before TLS begins says nothing of TLS', async () => {
  const { server: gone, address } = await serving(server);
  await gone.close();
  const failure = await ask(clientWith({ ca }), address);
  expect(failure).toMatchObject({ code: 'RMQ_CONNECT_FAILED', cause: { code: 'ECONNREFUSED' } });
  expect((failure as Error).message).not.toMatch(/TLS/);
});

test('an idle secure connection does not keep the process alive', async () => {
  const { address } = await serving(server);
  const keeping = (kind: string): number => process.getActiveResourcesInfo().filter((name) => name === kind).length;
  await waitFor(() => keeping('TCPSocketWrap') === 0, { what: 'the sockets of earlier tests to be gone' });
  const timers = keeping('Timeout');
  expect(await ask(clientWith({ ca }), address)).toBe('hello');
  // The server's end, which is in this process too.
  expect(keeping('TCPSocketWrap')).toBe(1);
  await waitFor(() => keeping('Timeout') <= timers, { what: 'no timer of the idle connection' });
});

test('Node’s own client understands the server, and session resumption works', async () => {
  const { address } = await serving({ ...server, mode: 'enforcing' });
  const target = { host: '127.0.0.1', port: Number(address.split(':')[1]), ca };
  const talk = (session?: Buffer): Promise<{ readonly reused: boolean; readonly session: Buffer }> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ ...target, ...(session && { session }) }, () => {
        socket.write(frameBytes({ code: 10, opaque: 1, flag: 0 }));
      });
      let ticket: Buffer | undefined;
      socket.on('session', (each: Buffer) => {
        ticket = each;
      });
      socket.once('data', () => {
        resolve({ reused: socket.isSessionReused(), session: ticket! });
        socket.destroy();
      });
      socket.once('error', reject);
    });
  const first = await talk();
  expect(first.reused).toBe(false);
  expect((await talk(first.session)).reused).toBe(true);
});

describe('options', () => {
  const bad: readonly (readonly [string, ServerTlsOptions, RegExp])[] = [
    ['a key of another certificate', { cert: server.cert, key: certificate('client').key }, /do not belong together/],
    ['the name of a file', { cert: 'server.pem', key: server.key }, /cert: expected the PEM text itself/],
    ['a file name as ca', { ...server, ca: ['ca.pem'] }, /ca: expected the PEM text itself/],
    ['what is no PEM', { cert: Buffer.from('x'), key: server.key }, /cannot be read: expected PEM/],
  ];

  test.each(bad)('%s is a clear error before anything listens or connects', (_name, options, message) => {
    const error = expect.objectContaining({
      code: 'RMQ_OPTIONS_INVALID',
      option: 'tls',
      message: expect.stringMatching(message),
    });
    expect(() => createTcpTransport({ serverTls: options })).toThrow(error);
    expect(() => createTcpTransport({ tls: options })).toThrow(error);
  });
});
