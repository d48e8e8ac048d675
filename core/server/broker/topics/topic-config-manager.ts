import { inject, injectable } from 'inversify';
import { isSystemTopic, replyTopicOf, SystemTopic } from '../../../message/system-topics.js';
import type { DataVersion } from '../../../remoting/protocol/data-version.js';
import { Permission } from '../../../remoting/protocol/flags.js';
import {
  decodeTopicConfigTable,
  type TopicConfig,
  type TopicConfigTable,
} from '../../../remoting/protocol/topic-config.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { ConfigFile } from '../settings/config-file.js';
import { nextVersion } from '../settings/data-version.js';
import { QUEUE_NUMS_MAX, topicConfig } from './topic-config.js';

/** What a send knows of the topic that it wants to exist. */
export interface TopicRequest {
  readonly topic: string;
  /** Template to take queues and permission from. */
  readonly defaultTopic: string;
  readonly defaultTopicQueueNums: number;
  readonly topicSysFlag: number;
}

/** Told when the table changed: the name servers have to hear of it. Resolves when they have, as far as they answer. */
export type TopicsChanged = () => Promise<void>;

/** The broker's topics, kept in config/topics.json. Matches Apache's TopicConfigManager (4.9). */
@injectable()
export class TopicConfigManager {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #file: ConfigFile<TopicConfigTable>;
  readonly #topics = new Map<string, TopicConfig>();
  readonly #systemTopics = new Set<string>(Object.values(SystemTopic));
  /** Topics whose creation is not on disk, or not with the name servers, yet; with what will bring it there. */
  readonly #saving = new Map<string, Promise<void>>();
  #version: DataVersion;
  #changed: TopicsChanged = () => Promise.resolve();

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#version = { timestamp: clock.now(), counter: 0 };
    const format = { name: 'topics.json', content: () => this.table, decode: decodeTopicConfigTable };
    this.#file = new ConfigFile(store, format, logger);
    for (const topic of this.#startTopics()) {
      this.#topics.set(topic.topicName, topic);
      this.#systemTopics.add(topic.topicName);
    }
  }

  /** Puts what was saved over what every start begins with; topics that have messages are never unknown afterwards. */
  async load(): Promise<void> {
    const saved = await this.#file.load();
    if (saved !== undefined) {
      for (const [name, topic] of saved.topicConfigTable) this.#topics.set(name, topic);
      this.#version = saved.dataVersion;
    }
    this.#adoptQueues();
  }

  /** One listener: the registration. */
  onChanged(listener: TopicsChanged): void {
    this.#changed = listener;
  }

  find(topic: string): TopicConfig | undefined {
    return this.#topics.get(topic);
  }

  /**
   * What a topic's creation waits for, while it does: nothing is acknowledged for a topic that a crash would forget, or
   * that the sender's next question to a name server would not find.
   */
  savingOf(topic: string): Promise<void> | undefined {
    return this.#saving.size === 0 ? undefined : this.#saving.get(topic);
  }

  /** Creates the topic from its template when that lets topics inherit; undefined when it does not. */
  createFromTemplate({
    topic,
    defaultTopic,
    defaultTopicQueueNums,
    topicSysFlag,
  }: TopicRequest): TopicConfig | undefined {
    const known = this.#topics.get(topic);
    if (known) return known;
    // A table saved while creation was allowed still has the template.
    if (defaultTopic === SystemTopic.AUTO_CREATE_TOPIC_KEY && !this.#settings.autoCreateTopicEnable) return undefined;
    const template = this.#topics.get(defaultTopic);
    if (template === undefined || (template.perm & Permission.INHERIT) === 0) return undefined;
    const queueNums = Math.max(0, Math.min(defaultTopicQueueNums, template.writeQueueNums));
    const perm = template.perm & ~Permission.INHERIT;
    return this.#create({
      ...topicConfig(topic, queueNums, { perm, topicSysFlag }),
      topicFilterType: template.topicFilterType,
    });
  }

  /** Creates a topic of the broker's own making (retry, dead letters), or returns it as it is. */
  createPlain(topic: string, queueNums: number, topicSysFlag: number): TopicConfig {
    return this.#topics.get(topic) ?? this.#create(topicConfig(topic, queueNums, { topicSysFlag }));
  }

  /** Sets a topic as an operator wants it. Resolves when it is saved; telling the name servers is the caller's. */
  update(config: TopicConfig): Promise<void> {
    this.#topics.set(config.topicName, { ...this.#topics.get(config.topicName), ...config });
    return this.touch();
  }

  /** The table counts as changed: what is registered with it has. Resolves when it is saved. */
  touch(): Promise<void> {
    this.#version = nextVersion(this.#version, this.#clock.now());
    return this.#file.changed();
  }

  /** Forgets a topic; {@link flush} saves that. Telling the name servers is the caller's. */
  remove(topic: string): void {
    if (!this.#topics.delete(topic)) return;
    this.#version = nextVersion(this.#version, this.#clock.now());
    this.#file.note();
  }

  /** Takes over which topics a name server says are ordered. Matches updateOrderTopicConfig. */
  setOrderTopics(orderTopics: ReadonlySet<string>): void {
    let changed = false;
    for (const [name, topic] of this.#topics) {
      const order = orderTopics.has(name);
      if (topic.order === order) continue;
      this.#topics.set(name, { ...topic, order });
      changed = true;
    }
    if (!changed) return;
    this.#version = nextVersion(this.#version, this.#clock.now());
    void this.#file.changed();
  }

  isSystemTopic(topic: string): boolean {
    return this.#systemTopics.has(topic) || isSystemTopic(topic);
  }

  get systemTopics(): readonly string[] {
    return [...this.#systemTopics];
  }

  /** Every topic, with the version of the table. */
  get table(): TopicConfigTable {
    return { topicConfigTable: this.#topics, dataVersion: this.#version };
  }

  /** Saves what is not saved yet. */
  flush(): Promise<void> {
    return this.#file.flush();
  }

  /** The table was lost, or its backup is a change behind: nobody could read the topics that it does not name. */
  #adoptQueues(): void {
    const orphans = new Map<string, number>();
    for (const { topic, queueId } of this.#store.queues()) {
      if (this.#topics.has(topic) || queueId >= QUEUE_NUMS_MAX) continue;
      orphans.set(topic, Math.max(orphans.get(topic) ?? 0, queueId + 1));
    }
    for (const [topic, queueNums] of orphans) {
      this.#logger.warn('a topic that has messages is missing in the table of topics; it is made again', {
        topic,
        queueNums,
      });
      this.#create(topicConfig(topic, queueNums));
    }
  }

  #create(config: TopicConfig): TopicConfig {
    const { topicName } = config;
    this.#topics.set(topicName, config);
    this.#version = nextVersion(this.#version, this.#clock.now());
    const saving = Promise.all([this.#file.changed(), this.#changed()]).then(() => {
      this.#saving.delete(topicName);
    });
    this.#saving.set(topicName, saving);
    return config;
  }

  #startTopics(): readonly TopicConfig[] {
    const { clusterName, brokerName, clusterTopicEnable, brokerTopicEnable, defaultTopicQueueNums } = this.#settings;
    const { READ, WRITE, INHERIT } = Permission;
    const own = (enabled: boolean): { perm: number } => ({ perm: enabled ? READ | WRITE | INHERIT : INHERIT });
    return [
      topicConfig(SystemTopic.SELF_TEST, 1),
      ...(this.#settings.autoCreateTopicEnable
        ? [topicConfig(SystemTopic.AUTO_CREATE_TOPIC_KEY, defaultTopicQueueNums, { perm: READ | WRITE | INHERIT })]
        : []),
      topicConfig(SystemTopic.BENCHMARK, 1024),
      topicConfig(clusterName, 16, own(clusterTopicEnable)),
      topicConfig(brokerName, 1, own(brokerTopicEnable)),
      topicConfig(SystemTopic.OFFSET_MOVED_EVENT, 1),
      topicConfig(SystemTopic.SCHEDULE, 18),
      ...(this.#settings.traceTopicEnable ? [topicConfig(SystemTopic.TRACE, 1)] : []),
      topicConfig(replyTopicOf(clusterName), 1),
    ];
  }
}
