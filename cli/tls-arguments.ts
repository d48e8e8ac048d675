import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { TlsOptions } from '../core/index.js';
import type { ServerTlsOptions, TlsMode } from '../core/server/index.js';

/** What every command but `server` is told of TLS. */
export interface ClientTlsArguments {
  readonly tls?: true;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServername?: string;
  readonly tlsInsecure?: true;
}

/** What `server` is told of TLS. */
export interface ServerTlsArguments {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tlsMode?: TlsMode;
  readonly nameServerTls?: true;
  readonly nameServerTlsCa?: string;
}

export function withClientTls(command: Command): Command {
  return command
    .option('--tls', 'connect with TLS; each of the following says so too')
    .option('--tls-ca <file>', 'PEM file of the authority that signed the certificates of the servers')
    .option('--tls-cert <file>', 'PEM file of our own certificate, for servers that ask for one')
    .option('--tls-key <file>', 'PEM file of its key')
    .option(
      '--tls-servername <host>',
      'host that the certificates of the servers are for, where it is not their address',
    )
    .option('--tls-insecure', 'take any certificate; for tests');
}

export function withServerTls(command: Command): Command {
  return command
    .option('--tls-cert <file>', 'PEM file of the certificate of both ports; turns TLS on')
    .option('--tls-key <file>', 'PEM file of its key')
    .option('--tls-ca <file>', 'take only clients with a certificate that the authority in this PEM file signed')
    .addOption(
      new Option(
        '--tls-mode <mode>',
        'which connections are taken: plain, both, or TLS; permissive with --tls-cert',
      ).choices(['disabled', 'permissive', 'enforcing']),
    )
    .option('--name-server-tls', 'register with --name-server over TLS')
    .option('--name-server-tls-ca <file>', 'PEM file of the authority that signed the certificates of those');
}

/** Options of `connect`. */
export function clientTlsOf(args: ClientTlsArguments): { readonly tls?: TlsOptions } {
  const { tls, tlsCa, tlsCert, tlsKey, tlsServername, tlsInsecure } = args;
  const wanted = [tls, tlsCa, tlsCert, tlsKey, tlsServername, tlsInsecure].some((argument) => argument !== undefined);
  if (!wanted) return {};
  return {
    tls: {
      ...pemOf('ca', tlsCa),
      ...pemOf('cert', tlsCert),
      ...pemOf('key', tlsKey),
      ...(tlsServername !== undefined && { servername: tlsServername }),
      ...(tlsInsecure && { rejectUnauthorized: false }),
    },
  };
}

/** Options of `startServer`. */
export function serverTlsOf(args: ServerTlsArguments): {
  readonly tls?: ServerTlsOptions;
  readonly nameServerTls?: TlsOptions;
} {
  const { tlsCert, tlsKey, tlsCa, tlsMode, nameServerTls, nameServerTlsCa } = args;
  const wanted = [tlsCert, tlsKey, tlsCa, tlsMode].some((argument) => argument !== undefined);
  const tls: ServerTlsOptions = {
    ...pemOf('cert', tlsCert),
    ...pemOf('key', tlsKey),
    ...(tlsCa !== undefined && { ...pemOf('ca', tlsCa), requestCert: true }),
    ...(tlsMode !== undefined && { mode: tlsMode }),
  };
  return {
    ...(wanted && { tls }),
    ...((nameServerTls || nameServerTlsCa !== undefined) && { nameServerTls: pemOf('ca', nameServerTlsCa) }),
  };
}

function pemOf<N extends 'ca' | 'cert' | 'key'>(name: N, file: string | undefined): { readonly [K in N]?: string } {
  return file === undefined ? {} : ({ [name]: readFileSync(file, 'utf8') } as { readonly [K in N]?: string });
}
