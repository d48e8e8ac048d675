import { type DataVersion, sameDataVersion } from '../../remoting/protocol/data-version.js';
import { Permission } from '../../remoting/protocol/flags.js';
import type { TopicConfig } from '../../remoting/protocol/topic-config.js';
import type { QueueDataBody } from '../../remoting/protocol/topic-route-body.js';
import type { ServerConnection } from '../../remoting/remoting-server.js';

/** Who registers or unregisters. */
export interface BrokerIdentity {
  readonly clusterName: string;
  readonly brokerName: string;
  /** 0 is the master. */
  readonly brokerId: number;
  /** `ip:port`. */
  readonly brokerAddr: string;
}

export interface Registration extends BrokerIdentity {
  readonly haServerAddr: string;
  readonly dataVersion: DataVersion;
  readonly topics: Iterable<TopicConfig>;
}

export interface BrokerEntry {
  readonly cluster: string;
  readonly brokerName: string;
  /** Broker id to address. */
  readonly addresses: ReadonlyMap<number, string>;
}

export interface Route {
  readonly queues: readonly QueueDataBody[];
  readonly brokers: readonly BrokerEntry[];
}

interface LiveBroker {
  /** Monotonic: a clock that is set must not make everybody silent. */
  lastHeardMs: number;
  dataVersion: DataVersion;
  readonly connection: ServerConnection;
  readonly haServerAddr: string;
  readonly forgetConnection: () => void;
}

/** A broker that said nothing for this long is taken out. */
export const BROKER_EXPIRY_MS = 120_000;

/**
 * The name server's tables: topics to queues, brokers to addresses, clusters to brokers, and who is alive. In memory
 * only; brokers fill it by registering. Matches Apache's RouteInfoManager (4.9).
 */
export class RouteInfo {
  readonly #topics = new Map<string, Map<string, QueueDataBody>>();
  readonly #brokers = new Map<string, BrokerEntry & { readonly addresses: Map<number, string> }>();
  readonly #clusters = new Map<string, Set<string>>();
  readonly #live = new Map<string, LiveBroker>();

  /** Takes a registration in; for a slave tells where its master is. */
  register(
    registration: Registration,
    connection: ServerConnection,
    nowMs: number,
  ): { readonly masterAddr?: string; readonly haServerAddr?: string } {
    const { clusterName, brokerName, brokerId, brokerAddr, haServerAddr, dataVersion } = registration;
    const broker = this.#brokers.get(brokerName) ?? {
      cluster: clusterName,
      brokerName,
      addresses: new Map<number, string>(),
    };
    this.#brokers.set(brokerName, broker);
    const members = this.#clusters.get(clusterName) ?? new Set<string>();
    this.#clusters.set(clusterName, members.add(brokerName));

    // A slave that became master keeps its address: it may stand under one id only.
    for (const [id, address] of broker.addresses) {
      if (address === brokerAddr && id !== brokerId) broker.addresses.delete(id);
    }
    const first = !broker.addresses.has(brokerId);
    broker.addresses.set(brokerId, brokerAddr);

    if (brokerId === 0 && (first || this.versionChanged(brokerAddr, dataVersion))) {
      for (const topic of registration.topics) this.#setQueues(brokerName, topic);
    }
    this.#setAlive(brokerAddr, connection, { dataVersion, haServerAddr, nowMs });
    if (brokerId === 0) return {};
    const masterAddr = broker.addresses.get(0);
    const master = masterAddr === undefined ? undefined : this.#live.get(masterAddr);
    return master ? { masterAddr, haServerAddr: master.haServerAddr } : {};
  }

  /**
   * The address of another broker that is alive under the same name and id: it gives way to the one that registers now, and takes
   * the place back when it does so itself. Undefined when there is none.
   */
  namesake({ brokerName, brokerId, brokerAddr }: BrokerIdentity): string | undefined {
    const address = this.#brokers.get(brokerName)?.addresses.get(brokerId);
    return address !== undefined && address !== brokerAddr && this.#live.has(address) ? address : undefined;
  }

  /** A broker whose place another has taken meanwhile leaves that one there; Apache's name server takes it out. */
  unregister({ brokerName, brokerId, brokerAddr }: BrokerIdentity): void {
    this.#dropLive(brokerAddr);
    if (this.#brokers.get(brokerName)?.addresses.get(brokerId) === brokerAddr)
      this.#removeAddress(brokerName, brokerId);
  }

  /** Takes out brokers that were silent for {@link BROKER_EXPIRY_MS}, and closes their connections. Returns their addresses. */
  expire(nowMs: number): string[] {
    const expired: string[] = [];
    for (const [address, live] of this.#live) {
      if (nowMs - live.lastHeardMs <= BROKER_EXPIRY_MS) continue;
      expired.push(address);
      this.#removeBrokerAt(address);
      live.connection.close();
    }
    return expired;
  }

  /** Queues and brokers of a topic; undefined when no live broker has it. */
  route(topic: string): Route | undefined {
    const queues = this.#topics.get(topic);
    if (queues === undefined) return undefined;
    const brokers: BrokerEntry[] = [];
    for (const brokerName of queues.keys()) {
      const broker = this.#brokers.get(brokerName);
      if (broker) brokers.push(broker);
    }
    return brokers.length === 0 ? undefined : { queues: [...queues.values()], brokers };
  }

  /** Whether the broker's configuration is another than the one it registered last. */
  versionChanged(brokerAddr: string, dataVersion: DataVersion): boolean {
    const known = this.#live.get(brokerAddr)?.dataVersion;
    return known === undefined || !sameDataVersion(known, dataVersion);
  }

  /** Answers a broker that asks whether it has to register: an unchanged one counts as heard of. */
  askVersion(brokerAddr: string, dataVersion: DataVersion, nowMs: number): { changed: boolean; known?: DataVersion } {
    const changed = this.versionChanged(brokerAddr, dataVersion);
    const live = this.#live.get(brokerAddr);
    if (live && !changed) live.lastHeardMs = nowMs;
    return live ? { changed, known: live.dataVersion } : { changed };
  }

  /** Gives or takes the write permission of every topic of a broker; returns how many it has. */
  setWritable(brokerName: string, writable: boolean): number {
    let count = 0;
    for (const queues of this.#topics.values()) {
      const entry = queues.get(brokerName);
      if (!entry) continue;
      const perm = writable ? Permission.READ | Permission.WRITE : entry.perm & ~Permission.WRITE;
      queues.set(brokerName, { ...entry, perm });
      count++;
    }
    return count;
  }

  /** Takes a topic out, of all brokers or of one cluster's; a broker that still has it brings it back with its next change. */
  deleteTopic(topic: string, cluster?: string): void {
    const queues = this.#topics.get(topic);
    if (queues === undefined) return;
    const brokerNames = cluster === undefined ? [...queues.keys()] : (this.#clusters.get(cluster) ?? []);
    for (const brokerName of brokerNames) queues.delete(brokerName);
    if (queues.size === 0) this.#topics.delete(topic);
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Every broker by name. */
  get brokers(): Iterable<BrokerEntry> {
    return this.#brokers.values();
  }

  /** Cluster names to the names of their brokers. */
  get clusters(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#clusters;
  }

  /** Topics that a broker of the cluster has. */
  topicsOfCluster(cluster: string): string[] {
    const members = this.#clusters.get(cluster);
    if (members === undefined) return [];
    return this.topics.filter((topic) => [...members].some((brokerName) => this.#topics.get(topic)?.has(brokerName)));
  }

  #setQueues(brokerName: string, topic: TopicConfig): void {
    const queues = this.#topics.get(topic.topicName) ?? new Map<string, QueueDataBody>();
    const { readQueueNums, writeQueueNums, perm, topicSysFlag } = topic;
    queues.set(brokerName, { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag });
    this.#topics.set(topic.topicName, queues);
  }

  #setAlive(
    brokerAddr: string,
    connection: ServerConnection,
    { dataVersion, haServerAddr, nowMs }: { dataVersion: DataVersion; haServerAddr: string; nowMs: number },
  ): void {
    const known = this.#live.get(brokerAddr);
    if (known?.connection === connection && known.haServerAddr === haServerAddr) {
      known.lastHeardMs = nowMs;
      known.dataVersion = dataVersion;
      return;
    }
    known?.forgetConnection();
    // Not by way of `onClose` at once: a connection that is gone already calls back before the entry exists.
    let forget = (): void => {};
    this.#live.set(brokerAddr, {
      lastHeardMs: nowMs,
      dataVersion,
      connection,
      haServerAddr,
      forgetConnection: () => forget(),
    });
    forget = connection.onClose(() => this.#removeBrokerAt(brokerAddr));
  }

  #removeBrokerAt(brokerAddr: string): void {
    this.#dropLive(brokerAddr);
    for (const broker of this.#brokers.values()) {
      for (const [id, address] of broker.addresses) {
        if (address === brokerAddr) this.#removeAddress(broker.brokerName, id);
      }
    }
  }

  #dropLive(brokerAddr: string): void {
    const live = this.#live.get(brokerAddr);
    if (!live) return;
    this.#live.delete(brokerAddr);
    live.forgetConnection();
  }

  /** With its last address a broker leaves its cluster, and its queues leave their topics. */
  #removeAddress(brokerName: string, brokerId: number): void {
    const broker = this.#brokers.get(brokerName);
    if (!broker) return;
    broker.addresses.delete(brokerId);
    if (broker.addresses.size > 0) return;
    this.#brokers.delete(brokerName);
    const members = this.#clusters.get(broker.cluster);
    members?.delete(brokerName);
    if (members?.size === 0) this.#clusters.delete(broker.cluster);
    for (const [topic, queues] of this.#topics) {
      if (queues.delete(brokerName) && queues.size === 0) this.#topics.delete(topic);
    }
  }
}
