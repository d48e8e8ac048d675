import { inject, injectable } from 'inversify';
import { groupProblem } from '../../../message/message-rules.js';
import { SYSTEM_GROUP_PREFIX, SystemGroup } from '../../../message/system-topics.js';
import type { DataVersion } from '../../../remoting/protocol/data-version.js';
import {
  decodeSubscriptionGroupTable,
  readSubscriptionGroupConfig,
  type SubscriptionGroupConfig,
  type SubscriptionGroupTable,
} from '../../../remoting/protocol/subscription-group-config.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { ConfigFile } from '../settings/config-file.js';
import { nextVersion } from '../settings/data-version.js';

const PREDEFINED: readonly string[] = [
  SystemGroup.TOOLS_CONSUMER,
  SystemGroup.FILTERSRV_CONSUMER,
  SystemGroup.SELF_TEST_CONSUMER,
  SystemGroup.ONS_HTTP_PROXY,
  SystemGroup.ONSAPI_PULL,
  SystemGroup.ONSAPI_PERMISSION,
  SystemGroup.ONSAPI_OWNER,
];

/** The consumer groups' settings, kept in config/subscriptionGroup.json. Matches Apache's SubscriptionGroupManager (4.9). */
@injectable()
export class SubscriptionGroupManager {
  readonly #settings: BrokerSettings;
  readonly #clock: Clock;
  readonly #file: ConfigFile<SubscriptionGroupTable>;
  readonly #groups = new Map<string, SubscriptionGroupConfig>();
  #version: DataVersion;

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#version = { timestamp: clock.now(), counter: 0 };
    const format = { name: 'subscriptionGroup.json', content: () => this.table, decode: decodeSubscriptionGroupTable };
    this.#file = new ConfigFile(store, format, logger);
    for (const name of PREDEFINED) this.#groups.set(name, readSubscriptionGroupConfig({ groupName: name }));
  }

  /** Puts what was saved over what every start begins with. */
  async load(): Promise<void> {
    const saved = await this.#file.load();
    if (saved === undefined) return;
    for (const [name, group] of saved.subscriptionGroupTable) this.#groups.set(name, group);
    this.#version = saved.dataVersion;
  }

  /**
   * The group's settings; an unknown group is created where that is allowed, else undefined. One whose name no client accepts
   * is not: what it sends back could be stored nowhere.
   */
  find(groupName: string): SubscriptionGroupConfig | undefined {
    const known = this.#groups.get(groupName);
    if (known) return known;
    if (!this.#settings.autoCreateSubscriptionGroup && !groupName.startsWith(SYSTEM_GROUP_PREFIX)) return undefined;
    if (groupProblem(groupName) !== undefined) return undefined;
    const created = readSubscriptionGroupConfig({ groupName });
    this.#groups.set(groupName, created);
    void this.#changed();
    return created;
  }

  /** Sets a group as an operator wants it. Resolves when it is saved. */
  update(config: SubscriptionGroupConfig): Promise<void> {
    this.#groups.set(config.groupName, { ...this.#groups.get(config.groupName), ...config });
    return this.#changed();
  }

  /** Resolves when that is saved. One that is used again is made again, where that is allowed. */
  async delete(groupName: string): Promise<void> {
    if (this.#groups.delete(groupName)) await this.#changed();
  }

  get table(): SubscriptionGroupTable {
    return { subscriptionGroupTable: this.#groups, dataVersion: this.#version };
  }

  #changed(): Promise<void> {
    this.#version = nextVersion(this.#version, this.#clock.now());
    return this.#file.changed();
  }

  /** Saves what is not saved yet. */
  flush(): Promise<void> {
    return this.#file.flush();
  }
}
