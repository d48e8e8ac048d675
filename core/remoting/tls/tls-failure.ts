import { type RocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';

/** What a failed handshake means for whoever connected. */
interface Meaning {
  readonly what: string;
  readonly advice: string;
}

const UNTRUSTED: Meaning = {
  what: 'nobody that this process trusts vouches for its certificate',
  advice:
    'TLS: give tls.ca the certificate of the authority that signed it (a self-signed certificate is its own). rejectUnauthorized: false connects to anybody and is for tests.',
};
const NOT_TLS: Meaning = {
  what: 'it answered with something that is not TLS',
  advice:
    'TLS is on at this side only: leave the option tls out, or turn TLS on at the server. Check the port too: name servers usually have 9876, brokers 10911.',
};
const CLOSED: Meaning = {
  what: 'it closed the connection in the middle of the TLS handshake',
  advice:
    "TLS: a server that takes no TLS does that (Apache's tls.server.mode, ours tls.mode, is disabled), and one that takes no such client. Leave the option tls out, or turn TLS on at the server; its log says why.",
};
const CLIENT_CERTIFICATE: Meaning = {
  what: 'it refused this client in the TLS handshake',
  advice:
    'TLS: the server most likely wants a client certificate that it trusts: give tls.cert and tls.key, signed by an authority the server knows.',
};
const VERSION: Meaning = {
  what: 'the two sides have no TLS version or cipher in common',
  advice: 'TLS: compare minVersion, maxVersion and ciphers of both sides.',
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_HAS_EXPIRED: {
    what: 'its certificate has expired',
    advice: "TLS: renew the server's certificate; if it is valid still, check the clock of this machine.",
  },
  CERT_NOT_YET_VALID: {
    what: 'its certificate is not valid yet',
    advice: "TLS: check the clock of this machine and the dates of the server's certificate.",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: 'its certificate is for another host',
    advice:
      'TLS: brokers are reached by the address they advertise. Put that into subjectAltName of their certificate, or name the host that the certificate is for with tls.servername.',
  },
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_BAD_RECORD_TYPE: NOT_TLS,
  ERR_SSL_UNEXPECTED_MESSAGE: NOT_TLS,
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  ERR_SSL_UNSUPPORTED_PROTOCOL: VERSION,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: VERSION,
  ERR_SSL_NO_CIPHERS_AVAILABLE: VERSION,
};

/** Node puts where OpenSSL noticed it around the reason. */
const OPENSSL_REASON = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):[\s\S]*$/;

/** Why the handshake with `address` failed. `error` is Node's; without one the other side just closed. */
export function tlsConnectFailure(address: string, error: Error | undefined): RocketMQError<'RMQ_CONNECT_FAILED'> {
  const { what, advice } = error === undefined ? CLOSED : meaningOf(error);
  const reason = error === undefined ? '' : ` (${reasonOf(error)})`;
  const message = `cannot connect to ${address} with TLS: ${what}${reason}`;
  return rocketMQError('RMQ_CONNECT_FAILED', message, { address }, { cause: error, hint: advice });
}

/** A handshake that did not end in time. */
export function tlsConnectTimeout(address: string, timeoutMs: number): RocketMQError<'RMQ_CONNECT_FAILED'> {
  const message = `cannot connect to ${address} with TLS: the handshake did not end within ${timeoutMs} ms`;
  const hint =
    'TLS: the port accepts connections but does not answer a TLS handshake. Check that it is one that speaks TLS, and that it is a RocketMQ remoting port: name servers usually have 9876, brokers 10911.';
  return rocketMQError('RMQ_CONNECT_FAILED', message, { address }, { hint });
}

/**
 * Whether a connection that ended so was never really open: with TLS 1.3 a client is through before the server has looked
 * at its certificate, and hears of the refusal as an alert in the place of the first answer.
 */
export function isLateRefusal(error: Error): boolean {
  return /^ERR_SSL_\w*ALERT/.test(codeOf(error));
}

/** What Node says, without the places in OpenSSL's source. */
export function reasonOf(error: Error): string {
  return (OPENSSL_REASON.exec(error.message)?.[1] ?? error.message).trim();
}

function meaningOf(error: Error): Meaning {
  const code = codeOf(error);
  const known = MEANINGS[code];
  if (known !== undefined) return known;
  if (/ALERT/.test(code)) return CLIENT_CERTIFICATE;
  return {
    what: 'the handshake failed',
    advice:
      'TLS: `cause` is what Node says of it; compare the tls options of both sides, and look at the log of the server.',
  };
}

function codeOf(error: Error & { code?: unknown }): string {
  return typeof error.code === 'string' ? error.code : '';
}
