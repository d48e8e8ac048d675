import { afterEach, describe, expect, test } from 'vitest';
import { formatAddress } from '../../core/remoting/address.js';
import type { Listener, Transport, Wire, WireEvents } from '../../core/remoting/transport.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';

/** A wire with what it reported. */
interface Seen {
  readonly wire: Wire;
  readonly chunks: Buffer[];
  readonly closed: (Error | undefined)[];
  drained: number;
  readonly bytes: () => Buffer;
}

function watch(wire: Wire): Seen & { readonly events: WireEvents } {
  const chunks: Buffer[] = [];
  const closed: (Error | undefined)[] = [];
  const seen = {
    wire,
    chunks,
    closed,
    drained: 0,
    bytes: () => Buffer.concat(chunks),
    events: {
      data: (chunk: Buffer) => void chunks.push(chunk),
      closed: (error: Error | undefined) => void closed.push(error),
      drained: () => void seen.drained++,
    },
  };
  return seen;
}

/** What every transport must do. `make` gives a fresh one. */
export function transportContract(name: string, make: () => Transport): void {
  describe(`transport ${name}`, () => {
    const listeners: Listener[] = [];
    afterEach(async () => {
      for (const listener of listeners.splice(0)) await listener.close();
    });

    async function setup() {
      const transport = make();
      const accepted: Seen[] = [];
      const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, (wire) => {
        const seen = watch(wire);
        accepted.push(seen);
        return seen.events;
      });
      listeners.push(listener);
      const address = formatAddress(listener.address.host, listener.address.port);
      const connect = async (): Promise<{ client: Seen; server: Seen }> => {
        let client: Seen | undefined;
        const before = accepted.length;
        await transport.connect(address, {
          timeoutMs: 2_000,
          events: (wire) => {
            const seen = watch(wire);
            client = seen;
            return seen.events;
          },
        });
        await waitFor(() => accepted.length > before, { what: 'the accepted connection' });
        return { client: client!, server: accepted[before]! };
      };
      return { transport, listener, address, accepted, connect };
    }

    test('carries bytes both ways, in order and whole', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      client.wire.write([Buffer.from('one '), Buffer.from('two ')]);
      client.wire.write([Buffer.from('three')]);
      await waitFor(() => server.bytes().length === 13);
      expect(server.bytes().toString()).toBe('one two three');
      const large = Buffer.alloc(3_000_000, 'large');
      server.wire.write([Buffer.from('<'), large, Buffer.from('>')]);
      await waitFor(() => client.bytes().length === large.length + 2);
      expect(client.bytes().equals(Buffer.concat([Buffer.from('<'), large, Buffer.from('>')]))).toBe(true);
    });

    test('small writes of one turn arrive together', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      client.wire.write(Array.from({ length: 20 }, (_, index) => Buffer.from(`${index};`)));
      await waitFor(() => server.chunks.length > 0);
      expect(server.chunks[0]!.toString().split(';')).toHaveLength(21);
    });

    test('never delivers within the call of write', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      client.wire.write([Buffer.from('later')]);
      expect(server.chunks).toEqual([]);
      await waitFor(() => server.chunks.length > 0);
    });

    test('neither side can alter what the other has', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      const bytes = Buffer.from('original');
      await new Promise<void>((resolve) => client.wire.write([bytes], () => resolve()));
      bytes.fill('x');
      await waitFor(() => server.chunks.length > 0);
      expect(server.bytes().toString()).toBe('original');
      server.chunks[0]!.fill('y');
      expect(bytes.toString()).toBe('xxxxxxxx');
    });

    test('each end names the other’s address', async () => {
      const { connect, address } = await setup();
      const { client, server } = await connect();
      expect(client.wire.remoteAddress).toBe(address);
      expect(server.wire.localAddress).toBe(address);
      expect(server.wire.remoteAddress).toBe(client.wire.localAddress);
      expect(client.wire.localAddress).toMatch(/^.+:\d+$/);
    });

    test('connecting where nothing listens fails with the address', async () => {
      const { transport, listener, address } = await setup();
      await listener.close();
      const connecting = transport.connect(address, { timeoutMs: 2_000, events: (wire) => watch(wire).events });
      await expect(connecting).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED', address, retryable: true });
    });

    test('connecting to what is no address fails', async () => {
      const connecting = make().connect('nowhere', { timeoutMs: 2_000, events: (wire) => watch(wire).events });
      await expect(connecting).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED', address: 'nowhere' });
    });

    test('an aborted connect is refused, before and while it connects', async () => {
      const { transport, address } = await setup();
      const events = (wire: Wire): WireEvents => watch(wire).events;
      const before = transport.connect(address, { timeoutMs: 2_000, signal: AbortSignal.abort(), events });
      await expect(before).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED', sent: 'no' });
      const controller = new AbortController();
      const during = transport.connect(address, { timeoutMs: 2_000, signal: controller.signal, events });
      controller.abort();
      await expect(during).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED', sent: 'no' });
    });

    test('a wire that is destroyed while it connects fails the connect', async () => {
      const { transport, address } = await setup();
      const connecting = transport.connect(address, {
        timeoutMs: 2_000,
        events: (wire) => {
          queueMicrotask(() => wire.destroy());
          wire.destroy();
          return watch(wire).events;
        },
      });
      await expect(connecting).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED', address });
    });

    test('a port that is taken is refused by name', async () => {
      const { transport, listener, address } = await setup();
      const second = transport.listen(listener.address, (wire) => watch(wire).events);
      await expect(second).rejects.toMatchObject({ code: 'RMQ_ADDRESS_IN_USE', address });
    });

    test('end lets what was written arrive, then both ends close well', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      client.wire.write([Buffer.alloc(500_000, 'a')]);
      client.wire.end();
      client.wire.end();
      await waitFor(() => server.closed.length > 0 && client.closed.length > 0);
      expect(server.bytes().length).toBe(500_000);
      expect(server.closed).toEqual([undefined]);
      expect(client.closed).toEqual([undefined]);
    });

    test('destroy closes both ends once, and says why at the end that did it', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      const reason = new Error('for a test');
      server.wire.destroy(reason);
      server.wire.destroy();
      await waitFor(() => server.closed.length > 0 && client.closed.length > 0);
      await nextTurn();
      expect(server.closed).toEqual([reason]);
      expect(client.closed).toHaveLength(1);
    });

    test('a wire destroyed as it is accepted closes at the other end, or is never open there', async () => {
      const transport = make();
      const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, (wire) => {
        wire.destroy();
        return watch(wire).events;
      });
      listeners.push(listener);
      let client: Seen | undefined;
      const connecting = transport.connect(formatAddress(listener.address.host, listener.address.port), {
        timeoutMs: 2_000,
        events: (wire) => {
          const seen = watch(wire);
          client = seen;
          return seen.events;
        },
      });
      const failure = await connecting.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined) expect(failure).toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
      else await waitFor(() => client!.closed.length === 1, { what: 'the close' });
    });

    test('a paused reader holds its writer back; resuming lets everything through and says so', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      server.wire.pause();
      const piece = Buffer.alloc(256 * 1024, 'p');
      let written = 0;
      let writable = true;
      while (written < 64 * 1024 * 1024 && client.wire.bufferedBytes < 4 * piece.length) {
        writable = client.wire.write([piece]);
        written += piece.length;
        await nextTurn();
      }
      expect(writable).toBe(false);
      expect(client.wire.bufferedBytes).toBeGreaterThan(0);
      const drainedBefore = client.drained;
      server.wire.resume();
      await waitFor(() => server.chunks.reduce((sum, chunk) => sum + chunk.length, 0) === written, {
        what: 'all bytes',
      });
      await waitFor(() => client.drained > drainedBefore, { what: 'drained' });
      expect(client.wire.bufferedBytes).toBe(0);
    });

    test('tells when bytes have left, and with an error when they cannot', async () => {
      const { connect } = await setup();
      const { client, server } = await connect();
      const left = await new Promise((resolve) => client.wire.write([Buffer.from('x')], resolve));
      expect(left).toBeUndefined();
      client.wire.destroy();
      await waitFor(() => client.closed.length > 0 && server.closed.length > 0);
      const lost = await new Promise((resolve) => client.wire.write([Buffer.from('x')], resolve));
      expect(lost).toBeInstanceOf(Error);
    });

    test('closing a listener closes its connections', async () => {
      const { connect, listener } = await setup();
      const { client, server } = await connect();
      await listener.close();
      await waitFor(() => client.closed.length > 0 && server.closed.length > 0);
      expect(client.closed).toHaveLength(1);
    });
  });
}
