import type { BrokerSettings } from './broker-settings.js';

/** The broker's host, as Apache's remarks name it. Matches brokerIP1. */
export function brokerHost({ address }: Pick<BrokerSettings, 'address'>): string {
  return address.slice(0, address.lastIndexOf(':'));
}
