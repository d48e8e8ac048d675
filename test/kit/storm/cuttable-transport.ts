import { rocketMQError } from '../../../core/errors/rocketmq-error.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import type { Transport, Wire } from '../../../core/remoting/transport.js';

/** TCP of one client, which can be taken from it. */
export interface CuttableTransport extends Transport {
  /** Ends every connection without a word. */
  cut(): void;
  /** The same, and none is made any more: to its servers the client's process has ended. */
  kill(): void;
}

export function cuttableTransport(): CuttableTransport {
  const wires = new Set<Wire>();
  let dead = false;
  const cut = () => {
    for (const wire of [...wires]) wire.destroy();
  };
  return {
    name: 'tcp',
    connect: (address, { events, ...options }) => {
      if (dead) {
        return Promise.reject(rocketMQError('RMQ_CONNECT_FAILED', `${address}: this client is dead`, { address }));
      }
      return tcpTransport.connect(address, {
        ...options,
        events: (wire) => {
          const own = events(wire);
          wires.add(wire);
          return {
            data: (chunk) => own.data(chunk),
            drained: () => own.drained?.(),
            closed: (error) => {
              wires.delete(wire);
              own.closed(error);
            },
          };
        },
      });
    },
    listen: (options, accept) => tcpTransport.listen(options, accept),
    cut,
    kill: () => {
      dead = true;
      cut();
    },
  };
}
