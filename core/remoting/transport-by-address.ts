import type { Transport } from './transport.js';

/**
 * One transport out of two: addresses that `near` has a listener for are connected through it, all others through `far`.
 * It listens through `near`. So a client that embeds its server reaches it without sockets, and everybody else by TCP.
 */
export function transportByAddress(near: Transport, far: Transport): Transport {
  const choose = (address: string): Transport => (near.serves?.(address) ? near : far);
  return {
    name: `${near.name}, ${far.name}`,
    serves: (address) => near.serves?.(address) ?? false,
    connect: (address, options) => choose(address).connect(address, options),
    listen: (options, accept) => near.listen(options, accept),
  };
}
