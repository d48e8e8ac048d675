import { networkInterfaces } from 'node:os';
import { parseIp } from '../message/host.js';
import { chooseClientIp } from '../message/local-address.js';
import { formatAddress } from '../remoting/address.js';

/** The addresses that belong to a broker that listens. */
export interface BrokerAddresses {
  /** What clients are told. */
  readonly address: string;
  /** What is stored with messages; an IP address. */
  readonly storeHost: string;
  /** Where Apache's brokers serve their slaves; here nobody listens. */
  readonly haServerAddr: string;
}

/** Derives them from where it listens and what it was told to advertise. */
export function brokerAddresses(host: string, port: number, advertisedHost: string | undefined): BrokerAddresses {
  const advertised = advertisedHost ?? advertisedHostOf(host);
  const stored = [advertised, host].find((candidate) => parseIp(candidate) !== undefined && !isWildcard(candidate));
  return {
    address: formatAddress(advertised, port),
    storeHost: formatAddress(stored ?? (host === 'localhost' ? '127.0.0.1' : ownIp()), port),
    haServerAddr: formatAddress(advertised, port + 1),
  };
}

/** The host that clients can use to reach something that listens on `host`. */
export function advertisedHostOf(host: string): string {
  return isWildcard(host) ? ownIp() : host;
}

/** Whether only this machine reaches what listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function ownIp(): string {
  return chooseClientIp(networkInterfaces());
}
