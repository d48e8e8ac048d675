import { expect, test } from 'vitest';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import type { WireEvents } from '../../core/remoting/transport.js';
import { transportContract } from '../contract/transport.js';
import { tcpPeer, unansweringAddress } from '../kit/tcp-peer.js';
import { waitFor } from '../kit/wait-for.js';

const deaf: WireEvents = { data: () => {}, closed: () => {} };

transportContract('tcp', () => tcpTransport);

test('a connect that nobody answers ends at its own time-out', async () => {
  const address = await unansweringAddress();
  const connecting = tcpTransport.connect(address, { timeoutMs: 50, events: () => deaf });
  await expect(connecting).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED', address });
});

test('a peer that resets the connection is reported with the reason', async () => {
  const { address } = await tcpPeer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const reason = await new Promise<Error | undefined>((resolve, reject) => {
    tcpTransport
      .connect(address, { timeoutMs: 2_000, events: () => ({ data: () => {}, closed: resolve }) })
      .then((wire) => wire.write([Buffer.from('x')]), reject);
  });
  expect(reason).toMatchObject({ code: 'ECONNRESET' });
});

test('a host name is resolved; one that does not exist fails by its address', async () => {
  const connecting = tcpTransport.connect('does-not-exist.invalid:9876', { timeoutMs: 5_000, events: () => deaf });
  await expect(connecting).rejects.toMatchObject({
    code: 'RMQ_CONNECT_FAILED',
    address: 'does-not-exist.invalid:9876',
  });
});

test('a connect that was answered in time succeeds, although the process was held up beyond its time', async () => {
  const { address } = await tcpPeer(() => {});
  const connecting = tcpTransport.connect(address, { timeoutMs: 20, events: () => deaf });
  // The socket connects in the next turn's polls, the timer would come before them.
  const heldUntilMs = performance.now() + 100;
  while (performance.now() < heldUntilMs);
  const wire = await connecting;
  wire.destroy();
});

test('end does not wait for ever for a peer that neither reads nor closes', async () => {
  const { address } = await tcpPeer((socket) => socket.pause());
  let closed = false;
  const wire = await tcpTransport.connect(address, {
    timeoutMs: 2_000,
    events: () => ({
      data: () => {},
      closed: () => {
        closed = true;
      },
    }),
  });
  wire.write([Buffer.alloc(30_000_000)]);
  expect(wire.bufferedBytes).toBeGreaterThan(0);
  wire.end();
  await waitFor(() => closed, { what: 'the wire to close' });
});
