import { inject, injectable } from 'inversify';
import { type ConsumerOffsetTable, decodeConsumerOffsetTable } from '../../remoting/protocol/consumer-offset-table.js';
import { Logger } from '../../runtime/logger.js';
import { ConfigFile } from './config-file.js';
import { MessageStore } from './message-store.js';

/**
 * How far each consumer group has come in each queue: in memory, saved to config/consumerOffset.json from time to time.
 * Matches Apache's ConsumerOffsetManager.
 */
@injectable()
export class ConsumerOffsetManager {
  /** `topic@group` to queue id to offset. */
  readonly #table = new Map<string, Map<number, number>>();
  readonly #file: ConfigFile<ConsumerOffsetTable>;
  #unsaved = false;

  constructor(@inject(MessageStore) store: MessageStore, @inject(Logger) logger: Logger) {
    const content = () => ({ offsetTable: this.#table });
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

  /** By `topic@group`, as the file holds it. */
  get all(): ConsumerOffsetTable {
    return this.#table;
  }

  /** Saves the offsets when there are commits that were not saved. */
  async save(): Promise<void> {
    if (!this.#unsaved) return this.#file.flush();
    this.#unsaved = false;
    await this.#file.changed();
  }
}

/** Apache's separator; neither topics nor groups may contain it. */
function keyOf(topic: string, group: string): string {
  return `${topic}@${group}`;
}
