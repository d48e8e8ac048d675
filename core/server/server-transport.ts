import { createMemoryTransport } from '../remoting/memory-transport.js';
import { createTcpTransport } from '../remoting/tcp-transport.js';
import { tlsModeOf } from '../remoting/tls/tls-options.js';
import type { Transport } from '../remoting/transport.js';
import { advertisedHostOf } from './broker-addresses.js';
import type { ResolvedServerOptions } from './server-options.js';

/**
 * How a server's ports are listened on, and how its broker reaches name servers.
 * @throws RMQ_OPTIONS_INVALID when certificates or keys cannot be read, or do not belong together
 */
export function serverTransport(
  options: Pick<
    ResolvedServerOptions,
    'transport' | 'tls' | 'nameServerTls' | 'nameServers' | 'host' | 'advertisedHost'
  >,
): Transport {
  const { transport, tls, nameServerTls, nameServers, host, advertisedHost } = options;
  if (transport !== undefined) return transport;
  const tcp = createTcpTransport({ tls: nameServerTls, ...(tls && { serverTls: tls }) });
  const reachesItself = tlsModeOf(tls) !== 'enforcing' && nameServerTls === false;
  if (nameServers !== undefined || reachesItself) return tcp;
  return withWayInside(tcp, advertisedHost ?? advertisedHostOf(host));
}

/**
 * Connects what belongs to this server inside the process: a broker needs no certificate to reach its own name server on
 * a port that takes TLS only.
 */
function withWayInside(outside: Transport, host: string): Transport {
  const inside = createMemoryTransport();
  return {
    name: outside.name,
    connect: (address, options) => (inside.serves(address) ? inside : outside).connect(address, options),
    async listen(options, accept) {
      const listener = await outside.listen(options, accept);
      const door = await inside.listen({ host, port: listener.address.port }, accept);
      return {
        address: listener.address,
        close: async () => {
          await door.close();
          await listener.close();
        },
      };
    },
  };
}
