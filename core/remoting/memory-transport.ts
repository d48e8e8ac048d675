import { rocketMQError } from '../errors/rocketmq-error.js';
import { formatAddress } from './address.js';
import { createDeliveryQueue, MemoryWire } from './memory-wire.js';
import type { Transport, Wire, WireEvents } from './transport.js';

/** A transport that never leaves the process; it knows the addresses that were listened on through it. */
export interface MemoryTransport extends Transport {
  serves(address: string): boolean;
}

interface MemoryListener {
  readonly accept: (wire: Wire) => WireEvents;
  readonly wires: Set<MemoryWire>;
}

/**
 * Makes an address space of its own: connections work between a `listen` and a `connect` of the same transport. Port 0
 * gives a port that is free here. Nothing is shared with another memory transport, nor with the machine's ports.
 */
export function createMemoryTransport(): MemoryTransport {
  const listeners = new Map<string, MemoryListener>();
  const queue = createDeliveryQueue();
  let lastPort = 0;
  let lastClientPort = 0;

  return {
    name: 'memory',
    serves: (address) => listeners.has(address),
    async connect(address, { signal, events }) {
      const client = new MemoryWire(queue, formatAddress('memory', ++lastClientPort), address);
      const clientEvents = events(client);
      await Promise.resolve();
      if (signal?.aborted) {
        throw rocketMQError('RMQ_REQUEST_ABORTED', `connecting to ${address} was cancelled`, { sent: 'no' });
      }
      const listener = listeners.get(address);
      if (!listener || client.closed) {
        const reason = listener ? 'closed before it was connected' : 'nothing listens there in this process';
        throw rocketMQError('RMQ_CONNECT_FAILED', `cannot connect to ${address}: ${reason}`, { address });
      }
      const server = new MemoryWire(queue, address, client.localAddress);
      const serverEvents = listener.accept(server);
      listener.wires.add(server);
      MemoryWire.join(client, clientEvents, server, {
        data: (chunk) => serverEvents.data(chunk),
        drained: () => serverEvents.drained?.(),
        closed: (error) => {
          listener.wires.delete(server);
          serverEvents.closed(error);
        },
      });
      return client;
    },
    async listen({ host, port }, accept) {
      let boundPort = port;
      if (port === 0) {
        do boundPort = ++lastPort;
        while (listeners.has(formatAddress(host, boundPort)));
      }
      const address = formatAddress(host, boundPort);
      if (listeners.has(address)) {
        const message = `cannot listen on ${address}: another listener of this process has it`;
        throw rocketMQError('RMQ_ADDRESS_IN_USE', message, { address });
      }
      const listener: MemoryListener = { accept, wires: new Set() };
      listeners.set(address, listener);
      return {
        address: { host, port: boundPort },
        async close() {
          if (listeners.get(address) === listener) listeners.delete(address);
          for (const wire of listener.wires) wire.destroy();
        },
      };
    },
  };
}
