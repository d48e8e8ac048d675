import { rocketMQError } from '../errors/rocketmq-error.js';

/** Bytes of a host field with an IPv4 address, and with an IPv6 one. */
export const HOST_BYTES_V4 = 8;
export const HOST_BYTES_V6 = 20;

/**
 * A host as records and message ids carry it: the address's 4 or 16 bytes, then the port as i32. `host` is `ip:port`, an
 * IPv6 address with or without brackets.
 * @throws RMQ_BODY_INVALID when it is no IP address with a port
 */
export function encodeHost(host: string): Buffer {
  const colon = host.lastIndexOf(':');
  const port = Number(host.slice(colon + 1));
  const address = parseIp(host.slice(0, Math.max(colon, 0)));
  if (colon < 0 || address === undefined || !/^\d{1,5}$/.test(host.slice(colon + 1)) || port > 0xffff) {
    throw rocketMQError('RMQ_BODY_INVALID', `${JSON.stringify(host)} is no IP address with a port`, {});
  }
  const bytes = Buffer.alloc(address.length + 4);
  address.copy(bytes);
  bytes.writeInt32BE(port, address.length);
  return bytes;
}

/** As many as {@link decodeHost} has slots for: six bits of the hash. */
const HOSTS_REMEMBERED = 64;
/**
 * Hosts that were decoded, by a hash of their bytes: each record names two, and thousands that follow one another name the
 * same.
 */
const remembered: ({ readonly address: number; readonly port: number; readonly text: string } | undefined)[] =
  Array.from({ length: HOSTS_REMEMBERED });

/** A host field of 8 or 20 bytes as `ip:port`; an IPv6 address stands in brackets. */
export function decodeHost(bytes: Buffer, position = 0, length = bytes.length - position): string {
  const port = bytes.readInt32BE(position + length - 4);
  if (length === HOST_BYTES_V4) {
    const address = bytes.readInt32BE(position);
    const slot = Math.imul(address ^ port, 0x9e3779b1) >>> 26;
    const known = remembered[slot];
    if (known !== undefined && known.address === address && known.port === port) return known.text;
    const text = `${bytes[position]}.${bytes[position + 1]}.${bytes[position + 2]}.${bytes[position + 3]}:${port}`;
    remembered[slot] = { address, port, text };
    return text;
  }
  return `[${formatIpV6(bytes.subarray(position, position + 16))}]:${port}`;
}

/** The 4 or 16 bytes of an IP address in text; undefined when it is none. A zone (`%eth0`) is ignored. */
export function parseIp(text: string): Buffer | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  return bare.includes(':') ? parseIpV6(bare.split('%')[0]!) : parseIpV4(bare);
}

function parseIpV4(text: string): Buffer | undefined {
  const octets = text.split('.').map(parseOctet);
  return octets.length === 4 && octets.every((octet) => octet <= 255) ? Buffer.from(octets) : undefined;
}

/** One to three digits as a number; NaN for anything else. */
function parseOctet(text: string): number {
  if (text.length === 0 || text.length > 3) return Number.NaN;
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function parseIpV6(text: string): Buffer | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!);
  const tail = parseGroups(halves[1] ?? '');
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return Buffer.concat([head, Buffer.alloc(missing), tail]);
}

/** Groups between colons; the last may be an IPv4 address. */
function parseGroups(text: string): Buffer | undefined {
  if (text === '') return Buffer.alloc(0);
  const groups = text.split(':');
  const parts: Buffer[] = [];
  for (const [index, group] of groups.entries()) {
    if (index === groups.length - 1 && group.includes('.')) {
      const v4 = parseIpV4(group);
      if (v4 === undefined) return undefined;
      parts.push(v4);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      parts.push(Buffer.from(group.padStart(4, '0'), 'hex'));
    } else return undefined;
  }
  return Buffer.concat(parts);
}

/** In the form of RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
function formatIpV6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  let longestAt = -1;
  let longest = 1;
  for (let index = 0; index < 8; index++) {
    let run = 0;
    while (index + run < 8 && groups[index + run] === 0) run++;
    if (run > longest) {
      longest = run;
      longestAt = index;
    }
  }
  const text = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return longestAt < 0 ? text(0) : `${text(0, longestAt)}::${text(longestAt + longest)}`;
}
