import type { Transport } from '../remoting/transport.js';
import type { ClusterTransport } from './cluster-source.js';

/** Connects through the cluster's own transport where that knows the address, else through `other`. */
export function withClusterTransport(cluster: ClusterTransport | undefined, other: Transport): Transport {
  if (cluster === undefined) return other;
  return {
    name: `${cluster.name}, ${other.name}`,
    connect: (address, options) => {
      const serves = cluster.serves?.(address) ?? true;
      return (serves ? cluster : other).connect(address, options);
    },
    listen: (options, accept) => other.listen(options, accept),
  };
}
