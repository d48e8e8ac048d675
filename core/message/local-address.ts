import { parseIp } from './host.js';

/** What is needed of an entry of `os.networkInterfaces()`. */
export interface NetworkAddress {
  readonly address: string;
  readonly family: string | number;
  readonly internal: boolean;
}

/** As `os.networkInterfaces()` gives it. */
export type NetworkInterfaces = Readonly<Record<string, readonly NetworkAddress[] | undefined>>;

/**
 * The address that unique ids begin with: in the order of the interfaces the first public one, IPv4 or IPv6, else the first
 * private IPv4; undefined when there is neither. Matches Apache's UtilAll.getIP.
 */
export function chooseUniqueIdIp(interfaces: NetworkInterfaces): Buffer | undefined {
  let privateV4: Buffer | undefined;
  for (const bytes of externalAddresses(interfaces)) {
    if (bytes.length === 4) {
      if (!isPrivateV4(bytes)) return bytes;
      privateV4 ??= bytes;
    } else if (isPublicV6(bytes)) return bytes;
  }
  return privateV4;
}

/**
 * The address that a client shows in its id: IPv4 before IPv6, and 192.168/16 only when there is no other IPv4; the
 * loopback address when there is nothing. Matches Apache's RemotingUtil.getLocalAddress.
 */
export function chooseClientIp(interfaces: NetworkInterfaces): string {
  const addresses: string[] = [];
  for (const { address, internal } of entries(interfaces)) if (!internal) addresses.push(address.split('%')[0]!);
  const v4 = addresses.filter((address) => !address.includes(':'));
  return v4.find((address) => !/^(127\.0|192\.168)\./.test(address)) ?? v4.at(-1) ?? addresses[0] ?? '127.0.0.1';
}

function* externalAddresses(interfaces: NetworkInterfaces): Iterable<Buffer> {
  for (const { address, internal } of entries(interfaces)) {
    const bytes = internal ? undefined : parseIp(address);
    if (bytes !== undefined) yield bytes;
  }
}

function* entries(interfaces: NetworkInterfaces): Iterable<NetworkAddress> {
  for (const addresses of Object.values(interfaces)) yield* addresses ?? [];
}

function isPrivateV4(bytes: Buffer): boolean {
  const [first, second] = bytes as unknown as [number, number];
  return (
    first === 10 ||
    first === 127 ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 192 && second === 168)
  );
}

/** Neither the wildcard nor link-local (fe80::/10) nor site-local (fec0::/10); a unique-local address counts as public. */
function isPublicV6(bytes: Buffer): boolean {
  const isWildcardOrLoopback = bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! <= 1;
  return !isWildcardOrLoopback && !(bytes[0] === 0xfe && (bytes[1]! & 0x80) === 0x80);
}
