import type { Transport, Wire } from '../remoting/transport.js';

/** A transport whose traffic is seen, and whose accepted connections can be cut. */
export interface WatchedTransport extends Transport {
  /** Cuts connections as a broken network does; all, or those from these addresses (`ip:port`). Returns how many. */
  cut(remoteAddresses?: ReadonlySet<string>): number;
}

/** Tells of whatever arrives on accepted connections, before it is handled. */
export function watchedTransport(transport: Transport, onActivity: () => void): WatchedTransport {
  const wires = new Set<Wire>();
  return {
    name: transport.name,
    ...(transport.serves && { serves: (address: string) => transport.serves?.(address) ?? false }),
    async connect(address, options) {
      onActivity();
      return transport.connect(address, {
        ...options,
        events: (wire) => {
          const events = options.events(wire);
          return {
            data: (chunk) => {
              onActivity();
              events.data(chunk);
            },
            closed: (error) => {
              onActivity();
              events.closed(error);
            },
            drained: () => events.drained?.(),
          };
        },
      });
    },
    listen: (options, accept) =>
      transport.listen(options, (wire) => {
        onActivity();
        wires.add(wire);
        const events = accept(wire);
        return {
          data: (chunk) => {
            onActivity();
            events.data(chunk);
          },
          closed: (error) => {
            onActivity();
            wires.delete(wire);
            events.closed(error);
          },
          drained: () => events.drained?.(),
        };
      }),
    cut(remoteAddresses) {
      const chosen = [...wires].filter((wire) => remoteAddresses?.has(wire.remoteAddress) ?? true);
      for (const wire of chosen) wire.destroy(new Error('the test kit cut the connection'));
      return chosen.length;
    },
  };
}
