import type { RemotingCommand } from './protocol/remoting-command.js';
import { RequestCode } from './protocol/request-codes.js';
import { ResponseCode } from './protocol/response-codes.js';

/** Enough of the first bytes to tell the usual strangers apart. */
export const RECOGNITION_BYTES = 9;

/** Somebody who is not whom we expected at the other end. */
export interface Stranger {
  /** What it looks like, as in "it looks like …". */
  readonly what: string;
  /** What to do about it. */
  readonly advice: string;
}

/** Which end of the connection is asking: a client looks at the port it called, a server at whoever called it. */
export type Side = 'client' | 'server';

const PORTS = 'name servers usually have port 9876, brokers 10911';
const REMOTING_ONLY = 'This port speaks the RocketMQ remoting protocol only';

const HTTP_METHODS = /^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /;

/**
 * Says what the first bytes of a connection look like when they belong to a protocol that people point at our ports, or
 * us at theirs, by mistake; undefined when they may be ours. No frame of ours begins like one of these: read as a length
 * their first four bytes exceed the largest frame, or the header is empty.
 */
export function recognisePeer(bytes: Uint8Array, side: Side): Stranger | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, RECOGNITION_BYTES));
  if (text.startsWith('HTTP/')) {
    const advice = `An HTTP server has that port, such as a console or a proxy. Give the remoting port: ${PORTS}.`;
    return { what: 'an HTTP server', advice };
  }
  if (text.startsWith('PRI * ')) {
    const advice = `${REMOTING_ONLY}: clients of RocketMQ 5 that speak gRPC need its proxy.`;
    return { what: 'a gRPC client (the preface of HTTP/2)', advice };
  }
  if (HTTP_METHODS.test(text)) {
    return { what: 'an HTTP request', advice: `${REMOTING_ONLY}; what the caller wants listens somewhere else.` };
  }
  if (text.startsWith('SSH-')) {
    return { what: 'SSH', advice: `Give the remoting port: ${PORTS}.` };
  }
  if (isTlsRecord(bytes)) return side === 'client' ? TLS_SERVER : TLS_CLIENT;
  if (isHttp2Frame(bytes)) {
    const advice = `The gRPC proxy of RocketMQ 5 (usually port 8081) is for other clients. This one asks a name server and goes to the brokers itself: ${PORTS}.`;
    return { what: 'a gRPC server (HTTP/2), such as the proxy of RocketMQ 5', advice };
  }
  return undefined;
}

const TLS_SERVER: Stranger = {
  what: 'TLS: the other side speaks nothing else',
  advice: 'Connect with tls: true, or tls: { ca } when an authority of your own signed its certificate.',
};

const TLS_CLIENT: Stranger = {
  what: 'a TLS handshake: the other side speaks TLS, and here it is disabled',
  advice: 'Give this server a certificate (tls.cert and tls.key), or turn TLS off at that client.',
};

/** A handshake message or an alert, of SSL 3.0 to TLS 1.3. */
function isTlsRecord(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && (bytes[0] === 0x16 || bytes[0] === 0x15) && bytes[1] === 3 && bytes[2]! <= 4;
}

/** SETTINGS or GOAWAY on stream 0: u24 length, type, flags, stream. As a frame of ours its header would be empty. */
function isHttp2Frame(bytes: Uint8Array): boolean {
  if (bytes.length < 9 || bytes[0] !== 0) return false;
  return (bytes[3] === 4 || bytes[3] === 7) && bytes[4]! <= 1 && isZero(bytes, 5, 9);
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (bytes[index] !== 0) return false;
  return true;
}

/** What to do about a peer that takes connections and never says anything. */
export const SILENT_PEER_ADVICE = `The request may have been executed; check the server, or allow more time. If nothing ever comes from there, it may be no remoting port (${PORTS}), a port that waits for TLS (tls: true), or an Apache 4.9 name server that was taken for a broker: it leaves requests for brokers unanswered.`;

/** What to do about a peer that hangs up before it has said anything. */
export const WORDLESS_CLOSE_ADVICE = `Make the request again when it is idempotent: it may have been executed. If that port never answers, it may want TLS (tls: true) or a client certificate (tls.cert and tls.key), or be no remoting port: ${PORTS}.`;

/** Requests that every name server answers and no broker. */
const OF_NAME_SERVERS: ReadonlySet<number> = new Set([
  RequestCode.REGISTER_BROKER,
  RequestCode.UNREGISTER_BROKER,
  RequestCode.GET_ROUTEINFO_BY_TOPIC,
  RequestCode.GET_BROKER_CLUSTER_INFO,
]);

/** Requests that every broker answers and no name server. */
const OF_BROKERS: ReadonlySet<number> = new Set([
  RequestCode.SEND_MESSAGE,
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.PULL_MESSAGE,
  RequestCode.QUERY_CONSUMER_OFFSET,
  RequestCode.UPDATE_CONSUMER_OFFSET,
  RequestCode.GET_MAX_OFFSET,
  RequestCode.GET_MIN_OFFSET,
  RequestCode.HEART_BEAT,
  RequestCode.UNREGISTER_CLIENT,
  RequestCode.GET_CONSUMER_LIST_BY_GROUP,
]);

/** The two kinds of server. */
export type PeerKind = 'broker' | 'name server';

/** What a peer is that answered a request so; undefined when both kinds might. */
export function peerKindOf(requestCode: number, responseCode: number): PeerKind | undefined {
  if (responseCode === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return undefined;
  return neededFor(requestCode);
}

function neededFor(requestCode: number): PeerKind | undefined {
  if (OF_BROKERS.has(requestCode)) return 'broker';
  return OF_NAME_SERVERS.has(requestCode) ? 'name server' : undefined;
}

/**
 * Tells a name server from a broker by what it does not know: both refuse a request code that is not theirs in the same
 * words, which name it.
 */
export function recogniseRefusal({ code, remark }: Pick<RemotingCommand, 'code' | 'remark'>): Stranger | undefined {
  if (code !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return undefined;
  return MISTAKEN[neededFor(Number(/request type (\d+) not supported/.exec(remark ?? '')?.[1])) ?? 'neither'];
}

/** The same by what it leaves unanswered, as Apache's name server of 4.9 does, where it has shown before what it is. */
export function recogniseSilence(requestCode: number, kind: PeerKind): Stranger | undefined {
  const needed = neededFor(requestCode) ?? 'neither';
  return needed === kind ? undefined : MISTAKEN[needed];
}

/** Who it is that cannot do what the needed kind of server does. */
const MISTAKEN: Readonly<Record<PeerKind | 'neither', Stranger | undefined>> = {
  'name server': {
    what: 'a broker, where a name server is needed',
    advice: `Give the address of a name server; the brokers' own come from there: ${PORTS}.`,
  },
  broker: {
    what: 'a name server, where a broker is needed',
    advice: `Check the address that the broker advertises (brokerIP1 and listenPort; of our server advertisedHost), and resolveAddress: ${PORTS}.`,
  },
  neither: undefined,
};
