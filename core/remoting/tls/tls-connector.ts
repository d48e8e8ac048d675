import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { HostAndPort } from '../address.js';
import type { WireEvents } from '../transport.js';
import { tlsContext } from './tls-context.js';
import { isLateRefusal, tlsConnectFailure } from './tls-failure.js';
import { tlsModule } from './tls-module.js';
import type { TlsOptions } from './tls-options.js';

/** The TLS side of a client's connects: options read once, used for every server. */
export class TlsConnector {
  readonly #options: ConnectionOptions;

  /** @throws RMQ_OPTIONS_INVALID when certificates or keys cannot be read */
  constructor(options: TlsOptions) {
    this.#options = { ...options, secureContext: tlsContext(options, 'tls') };
  }

  /** A socket that connects and emits `secureConnect` once the server's certificate was found good. */
  connect({ host, port }: HostAndPort): TLSSocket {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = tlsModule().connect({ ...name, ...this.#options, host, port });
    socket.setNoDelay(true);
    return socket;
  }
}

/** Reports a refusal that came after the handshake as what it is: a connect that failed. */
export function withLateRefusals(address: string, events: WireEvents): WireEvents {
  let heard = false;
  return {
    data(chunk) {
      heard = true;
      events.data(chunk);
    },
    drained: () => events.drained?.(),
    closed(error) {
      const refused = error !== undefined && !heard && isLateRefusal(error);
      events.closed(refused ? tlsConnectFailure(address, error) : error);
    },
  };
}
