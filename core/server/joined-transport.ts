import { tcpTransport } from '../remoting/tcp-transport.js';
import type { Transport } from '../remoting/transport.js';

/** A transport may know some addresses only. */
type PartialTransport = Transport & { serves?(address: string): boolean };

/** Reaches the addresses that `transport` serves through it, all others over TCP: a broker in memory may register anywhere. */
export function joinedTransport(transport: PartialTransport): Transport {
  const serves = transport.serves?.bind(transport);
  if (serves === undefined) return transport;
  return {
    name: transport.name,
    connect: (address, options) => (serves(address) ? transport : tcpTransport).connect(address, options),
    listen: (options, accept) => transport.listen(options, accept),
  };
}
