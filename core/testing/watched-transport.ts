import { formatAddress } from '../remoting/address.js';
import type { Transport, Wire, WireEvents } from '../remoting/transport.js';

/** A transport whose traffic is seen, and whose accepted connections can be cut. */
export interface WatchedTransport extends Transport {
  serves(address: string): boolean;
  /** The same for one client: its connections go by its id. */
  for(clientId: string): Transport;
  /** Local addresses (`ip:port`) of the connections that a client has made. */
  addressesOf(clientId: string): readonly string[];
  /** Cuts connections as a broken network does; all, or those from these addresses (`ip:port`). Returns how many. */
  cut(remoteAddresses?: ReadonlySet<string>): number;
}

/** Tells of whatever arrives on either side, before it is handled. */
export function watchedTransport(transport: Transport, onActivity: () => void): WatchedTransport {
  const accepted = new Set<Wire>();
  const listening = new Set<string>();
  const byClient = new Map<string, Set<Wire>>();

  const watched = (wires: Set<Wire>, wire: Wire, events: WireEvents): WireEvents => {
    wires.add(wire);
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
  };
  const connect =
    (wires: Set<Wire>): Transport['connect'] =>
    (address, options) => {
      onActivity();
      return transport.connect(address, { ...options, events: (wire) => watched(wires, wire, options.events(wire)) });
    };
  const listen: Transport['listen'] = async (options, accept) => {
    const listener = await transport.listen(options, (wire) => {
      onActivity();
      return watched(accepted, wire, accept(wire));
    });
    const address = formatAddress(listener.address.host, listener.address.port);
    listening.add(address);
    return {
      address: listener.address,
      close: () => {
        listening.delete(address);
        return listener.close();
      },
    };
  };
  const { name } = transport;
  const serves = (address: string): boolean => listening.has(address);

  return {
    name,
    serves,
    listen,
    connect: connect(new Set()),
    for(clientId) {
      const wires = byClient.get(clientId) ?? new Set();
      byClient.set(clientId, wires);
      return { name, serves, listen, connect: connect(wires) };
    },
    addressesOf: (clientId) => [...(byClient.get(clientId) ?? [])].map((wire) => wire.localAddress),
    cut(remoteAddresses) {
      const chosen = [...accepted].filter((wire) => remoteAddresses?.has(wire.remoteAddress) ?? true);
      for (const wire of chosen) wire.destroy(new Error('the test kit cut the connection'));
      return chosen.length;
    },
  };
}
