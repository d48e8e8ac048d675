import { rocketMQError } from '../errors/rocketmq-error.js';

/** What a broker advertises. */
export interface AdvertisedAddress {
  readonly brokerName: string;
  /** 0 is the master. */
  readonly brokerId: number;
}

/**
 * Where this client reaches what a broker advertises: a table from `host:port` to `host:port`, or from `host` to `host`
 * with the port kept, or a function of the advertised address. What a table does not name stays as it is.
 * @example { '172.18.0.3:10911': 'localhost:10911' }
 */
export type ResolveAddress =
  | Readonly<Record<string, string>>
  | ((address: string, broker: AdvertisedAddress) => string);

/** @throws RMQ_OPTIONS_INVALID when the function throws or does not return an address */
export function resolvedAddress(
  resolve: ResolveAddress | undefined,
  address: string,
  broker: AdvertisedAddress,
): string {
  if (resolve === undefined) return address;
  if (typeof resolve === 'function') return called(resolve, address, broker);
  const whole = ownValue(resolve, address);
  if (whole !== undefined) return whole;
  const separator = address.lastIndexOf(':');
  const host = ownValue(resolve, address.slice(0, separator));
  return host === undefined ? address : `${host}${address.slice(separator)}`;
}

function called(
  resolve: (address: string, broker: AdvertisedAddress) => string,
  address: string,
  broker: AdvertisedAddress,
): string {
  let result: unknown;
  let cause: unknown;
  try {
    result = resolve(address, broker);
  } catch (error) {
    cause = error;
  }
  if (typeof result === 'string' && result !== '') return result;
  const what = cause === undefined ? `returned ${String(result)}` : 'threw';
  throw rocketMQError(
    'RMQ_OPTIONS_INVALID',
    `resolveAddress ${what} for ${address} of broker ${broker.brokerName}; expected host:port`,
    { option: 'resolveAddress' },
    { cause },
  );
}

function ownValue(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
