import { MASTER_ID } from './publish-info.js';
import { type ResolveAddress, resolvedAddress } from './resolve-address.js';
import type { BrokerData, TopicRoute } from './topic-route.js';

/** One address at which a broker can be reached from here. */
export interface KnownBroker {
  readonly brokerName: string;
  /** 0 is the master. */
  readonly brokerId: number;
  readonly address: string;
}

/** Broker names to addresses, as the routes that were fetched last name them. Matches Apache's brokerAddrTable. */
export class BrokerTable {
  readonly #brokers = new Map<string, Map<number, string>>();
  readonly #resolve: ResolveAddress | undefined;

  constructor(resolve: ResolveAddress | undefined) {
    this.#resolve = resolve;
  }

  /** Takes over what a route says of its brokers; tells whether an address came that was not known. */
  learn(route: TopicRoute): boolean {
    let news = false;
    for (const data of route.brokerDatas) {
      const before = this.#brokers.get(data.brokerName);
      const addresses = this.#addressesOf(data);
      for (const [brokerId, address] of addresses) news ||= before?.get(brokerId) !== address;
      this.#brokers.set(data.brokerName, addresses);
    }
    return news;
  }

  /** Forgets brokers that none of the routes names. */
  retain(routes: Iterable<TopicRoute>): void {
    const named = new Set<string>();
    for (const route of routes) for (const data of route.brokerDatas) named.add(data.brokerName);
    for (const brokerName of this.#brokers.keys()) if (!named.has(brokerName)) this.#brokers.delete(brokerName);
  }

  address(brokerName: string, brokerId: number = MASTER_ID): string | undefined {
    return this.#brokers.get(brokerName)?.get(brokerId);
  }

  /** The master's address, else that of the lowest id. */
  anyAddress(brokerName: string): string | undefined {
    const addresses = this.#brokers.get(brokerName);
    if (addresses === undefined || addresses.size === 0) return undefined;
    return addresses.get(Math.min(...addresses.keys()));
  }

  all(): readonly KnownBroker[] {
    return [...this.#brokers].flatMap(([brokerName, addresses]) =>
      [...addresses].map(([brokerId, address]) => ({ brokerName, brokerId, address })),
    );
  }

  #addressesOf(data: BrokerData): Map<number, string> {
    const addresses = new Map<number, string>();
    for (const [id, advertised] of Object.entries(data.brokerAddrs)) {
      const brokerId = Number(id);
      addresses.set(brokerId, resolvedAddress(this.#resolve, advertised, { brokerName: data.brokerName, brokerId }));
    }
    return addresses;
  }
}
