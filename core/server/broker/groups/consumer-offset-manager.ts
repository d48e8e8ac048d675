import { inject, injectable } from 'inversify';
import {
  type ConsumerOffsetTable,
  decodeConsumerOffsetTable,
} from '../../../remoting/protocol/consumer-offset-table.js';
import { Logger } from '../../../runtime/logger.js';
import { MessageStore } from '../message-store.js';
import { ConfigFile } from '../settings/config-file.js';

/** Apache's; neither topics nor groups may contain it. */
const SEPARATOR = '@';

/**
 * How far each consumer group has come in each queue: in memory, saved to config/consumerOffset.json from time to time.
 * Matches Apache's ConsumerOffsetManager.
 */
@injectable()
export class ConsumerOffsetManager {
  /** `topic@group` to queue id to offset. */
  readonly #table = new Map<string, Map<number, number>>();
  readonly #file: ConfigFile<ConsumerOffsetTable>;
  readonly #store: MessageStore;
  readonly #logger: Logger;
  #unsaved = false;
  /** Some of what is not saved speaks of records that the disk may not have. */
  #syncFirst = false;
  /** What goes into the file. */
  #content: ConsumerOffsetTable = this.#table;
  #saving: Promise<void> = Promise.resolve();

  constructor(@inject(MessageStore) store: MessageStore, @inject(Logger) logger: Logger) {
    this.#store = store;
    this.#logger = logger;
    const content = () => ({ offsetTable: this.#content });
    const format = { name: 'consumerOffset.json', content, decode: decodeConsumerOffsetTable };
    this.#file = new ConfigFile(store, format, logger);
  }

  async load(): Promise<void> {
    for (const [key, queues] of (await this.#file.load()) ?? []) this.#table.set(key, new Map(queues));
  }

  /** The committed offset; undefined when the group never committed one for the queue. */
  query(group: string, topic: string, queueId: number): number | undefined {
    return this.#table.get(keyOf(topic, group))?.get(queueId);
  }

  /** The committed offsets of a group in a topic, by queue id. */
  queuesOf(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#table.get(keyOf(topic, group)) ?? new Map();
  }

  /** Takes a commit, also one that goes back: an operator's reset is such a one. */
  commit(group: string, topic: string, queueId: number, offset: number): void {
    const key = keyOf(topic, group);
    let queues = this.#table.get(key);
    if (queues === undefined) {
      queues = new Map();
      this.#table.set(key, queues);
    }
    queues.set(queueId, offset);
    this.#unsaved = true;
  }

  /**
   * A commit that counts on records written before: should the power fail, it must not be there without them. It is saved
   * when they are on the disk.
   */
  commitRecorded(group: string, topic: string, queueId: number, offset: number): void {
    this.commit(group, topic, queueId, offset);
    this.#syncFirst = true;
  }

  /** Forgets every offset of a group. */
  remove(group: string): void {
    for (const topic of this.topicsOf(group)) this.#table.delete(keyOf(topic, group));
    this.#unsaved = true;
  }

  /** Forgets the offsets of every group in a topic. */
  removeTopic(topic: string): void {
    for (const group of this.groupsOf(topic)) this.#table.delete(keyOf(topic, group));
    this.#unsaved = true;
  }

  /** Topics that a group has offsets of. */
  topicsOf(group: string): string[] {
    return this.#pairs.filter((pair) => pair.group === group).map((pair) => pair.topic);
  }

  /** Groups that have offsets of a topic. */
  groupsOf(topic: string): string[] {
    return this.#pairs.filter((pair) => pair.topic === topic).map((pair) => pair.group);
  }

  /** Topics that each group has offsets of, by group. */
  get topicsByGroup(): ReadonlyMap<string, readonly string[]> {
    const topics = new Map<string, string[]>();
    for (const { topic, group } of this.#pairs) {
      const known = topics.get(group);
      if (known === undefined) topics.set(group, [topic]);
      else known.push(topic);
    }
    return topics;
  }

  /** By `topic@group`, as the file holds it. */
  get all(): ConsumerOffsetTable {
    return this.#table;
  }

  get #pairs(): { readonly topic: string; readonly group: string }[] {
    return [...this.#table.keys()].map((key) => {
      const at = key.indexOf(SEPARATOR);
      return { topic: key.slice(0, at), group: key.slice(at + 1) };
    });
  }

  /** Saves the offsets when there are commits that were not saved. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    if (!this.#unsaved) return this.#file.flush();
    this.#unsaved = false;
    this.#content = this.#table;
    if (this.#syncFirst) {
      this.#syncFirst = false;
      // What is committed while the disk is busy counts on what comes after.
      this.#content = new Map([...this.#table].map(([key, queues]) => [key, new Map(queues)]));
      try {
        await this.#store.sync();
      } catch (error) {
        this.#unsaved = true;
        this.#syncFirst = true;
        this.#logger.error('the offsets of consumers could not be saved', { error });
        return;
      }
    }
    await this.#file.changed();
  }
}

function keyOf(topic: string, group: string): string {
  return `${topic}${SEPARATOR}${group}`;
}
