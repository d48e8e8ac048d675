import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue } from '../message/message.js';
import { SystemTopic } from '../message/system-topics.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { BrokerTable, type KnownBroker } from './broker-table.js';
import type { NameServerAnswer } from './name-servers.js';
import { autoCreateRoute, publishInfoOf, sameRoute, subscribeQueuesOf } from './publish-info.js';
import type { ResolveAddress } from './resolve-address.js';
import type { RouteTable } from './route-table.js';
import type { BrokerData, PublishInfo, TopicRoute } from './topic-route.js';

/** Queues a broker that a topic is created on by its first send gives it, at most. */
const DEFAULT_TOPIC_QUEUE_NUMS = 4;
/** A topic that nobody has asked for so long is in use no more; whoever reads one asks for it once an hour at least. */
const UNUSED_MS = 2 * 3_600_000;
/** Topics whose routes are asked for at one time during a refresh. */
const REFRESH_CONCURRENCY = 8;

export interface RouteCacheOptions {
  /** Asks a name server; undefined as the value means that it does not know the topic. */
  readonly query: (topic: string) => Promise<NameServerAnswer<TopicRoute | undefined>>;
  /** The plugin that a question waits for before any name server is asked. */
  readonly heldBy?: () => string | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  readonly resolveAddress?: ResolveAddress;
}

/** How a topic that does not exist yet would be created. */
interface AutoCreation {
  readonly createTopicKey: string;
  readonly defaultTopicQueueNums: number;
}

/** What is known of one topic that is in use. */
interface TopicEntry {
  readonly route: TopicRoute;
  readonly publishInfo: PublishInfo | undefined;
  readonly subscribeQueues: readonly MessageQueue[];
  /** Set while the route is the default topic's. */
  readonly autoCreation: AutoCreation | undefined;
  /** Whether it was asked for since the refresh before. */
  used: boolean;
  /** Monotonic milliseconds of the last refresh that found it used. */
  usedMs: number;
}

/**
 * The routes of the topics in use. An answer replaces what is known; no answer, and "unknown topic" for a topic that was
 * known (a name server that just started), leave it as it is. A topic that is not asked for any more is forgotten, unless a
 * broker would be forgotten with it.
 */
export class RouteCache implements RouteTable {
  readonly #options: RouteCacheOptions;
  readonly #brokers: BrokerTable;
  readonly #entries = new Map<string, TopicEntry>();
  readonly #asking = new Map<string, Promise<NameServerAnswer<TopicRoute | undefined>>>();
  readonly #listeners = new Set<(topic: string) => void>();

  constructor(options: RouteCacheOptions) {
    this.#options = options;
    this.#brokers = new BrokerTable(options.resolveAddress);
  }

  get heldBy(): string | undefined {
    return this.#options.heldBy?.();
  }

  publishInfo(topic: string): PublishInfo | undefined {
    return this.#used(topic)?.publishInfo;
  }

  async loadPublishInfo(
    topic: string,
    options: { readonly createTopicKey?: string; readonly defaultTopicQueueNums?: number } = {},
  ): Promise<PublishInfo> {
    const autoCreation: AutoCreation = {
      createTopicKey: options.createTopicKey ?? SystemTopic.AUTO_CREATE_TOPIC_KEY,
      defaultTopicQueueNums: options.defaultTopicQueueNums ?? DEFAULT_TOPIC_QUEUE_NUMS,
    };
    const nameServer = await this.#load(topic, autoCreation).catch((error: unknown) => {
      if (this.publishInfo(topic) === undefined) throw error;
      return undefined;
    });
    const entry = this.#entries.get(topic);
    if (entry === undefined) throw unknownTopic(topic, nameServer, autoCreation.createTopicKey);
    if (entry.publishInfo === undefined) throw notWritable(topic, nameServer);
    return entry.publishInfo;
  }

  subscribeQueues(topic: string): readonly MessageQueue[] | undefined {
    const entry = this.#used(topic);
    return entry?.autoCreation === undefined ? entry?.subscribeQueues : undefined;
  }

  async loadSubscribeQueues(topic: string): Promise<readonly MessageQueue[]> {
    const nameServer = await this.#load(topic, undefined).catch((error: unknown) => {
      if (this.subscribeQueues(topic) === undefined) throw error;
      return undefined;
    });
    const queues = this.subscribeQueues(topic);
    if (queues === undefined) throw unknownTopic(topic, nameServer, undefined);
    return queues;
  }

  brokerAddress(brokerName: string, brokerId?: number): string | undefined {
    return this.#brokers.address(brokerName, brokerId);
  }

  async loadBrokerAddress(brokerName: string, topic: string): Promise<string> {
    const known = this.#brokers.address(brokerName);
    if (known !== undefined) return known;
    await this.#load(topic, this.#entries.get(topic)?.autoCreation);
    const address = this.#brokers.address(brokerName);
    if (address !== undefined) return address;
    throw rocketMQError(
      'RMQ_BROKER_NOT_FOUND',
      `The broker ${brokerName} does not exist: the route of topic ${topic} names no master address of it`,
      { broker: brokerName, topic },
    );
  }

  topicAddresses(topic: string): readonly string[] {
    const names = this.#entries.get(topic)?.route.brokerDatas.map((data) => data.brokerName) ?? [];
    return names.map((name) => this.#brokers.anyAddress(name)).filter((address) => address !== undefined);
  }

  brokers(): readonly KnownBroker[] {
    return this.#brokers.all();
  }

  forget(topic: string): void {
    if (this.#entries.delete(topic)) this.#tell(topic);
  }

  onChange(listener: (topic: string) => void): () => void {
    const own = (topic: string): void => listener(topic);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /**
   * Asks for the route of every topic in use again, then forgets brokers that no route names any more. Never rejects; a
   * round ends early when no name server can be asked.
   */
  async refresh(): Promise<void> {
    this.#forgetUnused();
    const topics = [...this.#entries.keys()];
    let reachable = true;
    const worker = async (): Promise<void> => {
      for (let topic = topics.shift(); topic !== undefined && reachable; topic = topics.shift()) {
        try {
          await this.#load(topic, this.#entries.get(topic)?.autoCreation);
        } catch (error) {
          reachable = !isRocketMQError(error, 'RMQ_NAME_SERVER_UNREACHABLE');
          this.#options.logger.warn('route could not be refreshed, the old one stays', { topic, error });
        }
      }
    };
    await Promise.all(Array.from({ length: REFRESH_CONCURRENCY }, worker));
    this.#brokers.retain(this.#routes());
  }

  /**
   * Brings the entry of a topic up to date and returns the name server that was asked. The entry is absent afterwards when
   * neither the topic nor the default topic is known.
   */
  async #load(topic: string, autoCreation: AutoCreation | undefined): Promise<string> {
    const { address, value } = await this.#ask(topic);
    if (value !== undefined) this.#keep(topic, value, undefined);
    else if (autoCreation !== undefined && this.#mayAutoCreate(topic)) await this.#loadDefault(topic, autoCreation);
    return address;
  }

  /** A topic that was known before is not created again: its name server has only forgotten it. */
  #mayAutoCreate(topic: string): boolean {
    const entry = this.#entries.get(topic);
    return entry === undefined || entry.autoCreation !== undefined;
  }

  async #loadDefault(topic: string, autoCreation: AutoCreation): Promise<void> {
    const { value } = await this.#ask(autoCreation.createTopicKey);
    if (value === undefined) return;
    this.#keep(topic, autoCreateRoute(value, autoCreation.defaultTopicQueueNums), autoCreation);
  }

  /** Concurrent questions about one topic are one request. */
  #ask(topic: string): Promise<NameServerAnswer<TopicRoute | undefined>> {
    let asking = this.#asking.get(topic);
    if (asking === undefined) {
      asking = this.#options.query(topic).finally(() => this.#asking.delete(topic));
      this.#asking.set(topic, asking);
    }
    return asking;
  }

  #keep(topic: string, route: TopicRoute, autoCreation: AutoCreation | undefined): void {
    const before = this.#entries.get(topic);
    const newAddress = this.#brokers.learn(route);
    const sameKind = (before?.autoCreation === undefined) === (autoCreation === undefined);
    const changed = before === undefined || !sameKind || !sameRoute(before.route, route);
    if (changed) {
      this.#entries.set(topic, {
        route,
        publishInfo: publishInfoOf(topic, route, autoCreation !== undefined),
        subscribeQueues: subscribeQueuesOf(topic, route),
        autoCreation,
        used: before?.used ?? true,
        usedMs: before?.usedMs ?? this.#options.clock.monotonic(),
      });
    }
    if (changed || newAddress) this.#tell(topic);
  }

  #tell(topic: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(topic);
      } catch (error) {
        this.#options.logger.error('a listener of route changes threw', { topic, error });
      }
    }
  }

  #used(topic: string): TopicEntry | undefined {
    const entry = this.#entries.get(topic);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  #forgetUnused(): void {
    const nowMs = this.#options.clock.monotonic();
    const named = new Map<string, number>();
    for (const { brokerName } of this.#brokerDatas()) named.set(brokerName, (named.get(brokerName) ?? 0) + 1);
    for (const [topic, entry] of [...this.#entries]) {
      if (entry.used) entry.usedMs = nowMs;
      entry.used = false;
      const { brokerDatas } = entry.route;
      if (nowMs - entry.usedMs <= UNUSED_MS || brokerDatas.some(({ brokerName }) => named.get(brokerName) === 1)) {
        continue;
      }
      this.#entries.delete(topic);
      for (const { brokerName } of brokerDatas) named.set(brokerName, (named.get(brokerName) ?? 0) - 1);
    }
  }

  *#brokerDatas(): Iterable<BrokerData> {
    for (const route of this.#routes()) yield* route.brokerDatas;
  }

  *#routes(): Iterable<TopicRoute> {
    for (const entry of this.#entries.values()) yield entry.route;
  }
}

function unknownTopic(topic: string, nameServer: string | undefined, createTopicKey: string | undefined): Error {
  const tried = createTopicKey === undefined ? '' : `, nor for ${createTopicKey}, from which brokers would create it`;
  return rocketMQError(
    'RMQ_ROUTE_NOT_FOUND',
    `Name server ${nameServer ?? '(unknown)'} has no route for topic ${topic}${tried}`,
    { topic, ...(nameServer === undefined ? {} : { nameServer }) },
  );
}

/** The topic is there, but its masters are away or its permission forbids it: that may pass. */
function notWritable(topic: string, nameServer: string | undefined): Error {
  return rocketMQError(
    'RMQ_ROUTE_NOT_FOUND',
    `Topic ${topic} exists${nameServer === undefined ? '' : ` at name server ${nameServer}`}, but no queue of it can be written: no broker of it has a master, or its permission has no write`,
    { topic, ...(nameServer === undefined ? {} : { nameServer }) },
    { retryable: true, hint: 'Start the master of one of its brokers, or give the topic write permission.' },
  );
}
