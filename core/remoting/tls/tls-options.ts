import type { ConnectionOptions, TlsOptions as NodeServerOptions } from 'node:tls';

/** What both ends can be told of certificates, keys and ciphers; names and meaning are those of `node:tls`. */
const CONTEXT_OPTIONS = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'pfx',
  'crl',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'dhparam',
  'honorCipherOrder',
  'minVersion',
  'maxVersion',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'allowPartialTrustChain',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'clientCertEngine',
  'ALPNProtocols',
  'rejectUnauthorized',
  'enableTrace',
] as const satisfies readonly (keyof ConnectionOptions & keyof NodeServerOptions)[];

const CLIENT_OPTIONS = [
  ...CONTEXT_OPTIONS,
  'servername',
  'checkServerIdentity',
  'minDHSize',
] as const satisfies readonly (keyof ConnectionOptions)[];

const SERVER_OPTIONS = [
  ...CONTEXT_OPTIONS,
  'requestCert',
  'SNICallback',
  'handshakeTimeout',
  'sessionTimeout',
  'ticketKeys',
] as const satisfies readonly (keyof NodeServerOptions)[];

/**
 * How a client speaks TLS: options of Node's `tls.connect`, certificates and keys as PEM text. The server's certificate is
 * checked unless `rejectUnauthorized` is false; `cert` and `key` are for servers that ask for a client's own.
 */
export type TlsOptions = Pick<ConnectionOptions, (typeof CLIENT_OPTIONS)[number]>;

/**
 * What a port takes: plain connections only, both, or TLS only. The first byte of a connection tells. Matches Apache's
 * `tls.server.mode`.
 */
export type TlsMode = 'disabled' | 'permissive' | 'enforcing';

const TLS_MODES: readonly TlsMode[] = ['disabled', 'permissive', 'enforcing'];

/**
 * How a server speaks TLS: options of Node's `tls.createServer`, certificates and keys as PEM text. With `requestCert`
 * clients are asked for a certificate, and refused without one that `ca` vouches for unless `rejectUnauthorized` is false.
 */
export interface ServerTlsOptions extends Pick<NodeServerOptions, (typeof SERVER_OPTIONS)[number]> {
  /** Default `permissive` with a certificate, else `disabled`. */
  readonly mode?: TlsMode;
}

/** The mode that options stand for. */
export function tlsModeOf(options: ServerTlsOptions | undefined): TlsMode {
  if (options === undefined) return 'disabled';
  return options.mode ?? (hasCertificate(options) ? 'permissive' : 'disabled');
}

/** What is wrong with the names and shapes of a client's options, as "expected …"; undefined when nothing is. */
export function clientTlsProblem(value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined;
  if (!isObject(value)) return 'true, false or an object with options of node:tls';
  const { servername } = value;
  if (servername !== undefined && (typeof servername !== 'string' || !isHostName(servername))) {
    return 'servername to be a host name; for an IP address give a checkServerIdentity';
  }
  return unknownOption(value, CLIENT_OPTIONS) ?? lonelyHalf(value);
}

/** The same for a server's options. */
export function serverTlsProblem(value: unknown): string | undefined {
  if (!isObject(value)) return 'an object with options of node:tls, and mode';
  const { mode, handshakeTimeout } = value;
  if (mode !== undefined && !TLS_MODES.includes(mode as TlsMode)) return `mode to be one of ${TLS_MODES.join(', ')}`;
  if (handshakeTimeout !== undefined && !(Number.isInteger(handshakeTimeout) && (handshakeTimeout as number) > 0)) {
    return 'handshakeTimeout to be milliseconds above 0';
  }
  if (mode !== undefined && mode !== 'disabled' && !hasCertificate(value)) {
    return `cert and key, or pfx, or SNICallback: mode ${mode} cannot do without a certificate`;
  }
  return unknownOption(value, ['mode', ...SERVER_OPTIONS]) ?? lonelyHalf(value);
}

function unknownOption(value: object, known: readonly string[]): string | undefined {
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `no ${JSON.stringify(unknown)}; it has ${known.join(', ')}`;
}

/** A certificate without its key proves nothing, and the other way round; Node would only say so at the first handshake. */
function lonelyHalf(value: Readonly<Record<string, unknown>>): string | undefined {
  const keyElsewhere = value.privateKeyIdentifier !== undefined || value.clientCertEngine !== undefined;
  if (keyElsewhere || (value.cert === undefined) === (value.key === undefined)) return undefined;
  return 'cert and key together';
}

function hasCertificate({ cert, pfx, SNICallback }: { cert?: unknown; pfx?: unknown; SNICallback?: unknown }): boolean {
  return cert !== undefined || pfx !== undefined || SNICallback !== undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** TLS names hosts only: an IP address may not be sent as a server's name. */
function isHostName(text: string): boolean {
  return text !== '' && !/^[\d.]+$|[:\s]/.test(text);
}
