import { stringifyJsonDialect } from '../../../remoting/protocol/json-dialect.js';
import type { Logger } from '../../../runtime/logger.js';
import type { MessageStore } from '../message-store.js';

/** The part of the store that keeps configuration. */
export type ConfigStore = Pick<MessageStore, 'readConfig' | 'writeConfig'>;

export interface ConfigFileFormat<T> {
  /** Within `config/`. */
  readonly name: string;
  /** What is saved, taken when it is written. */
  readonly content: () => object;
  /** Reads a saved text; throws when it is not whole. */
  readonly decode: (text: string) => T;
}

/**
 * One JSON file of `config/` that a table is kept in. Changes of one turn, and those that come while a write is under way,
 * share a write. A write that fails is logged and made up for by the next `flush`.
 */
export class ConfigFile<T> {
  readonly #store: ConfigStore;
  readonly #format: ConfigFileFormat<T>;
  readonly #logger: Logger;
  #running: Promise<void> | undefined;
  #pending: Promise<void> | undefined;
  #unsaved = false;

  constructor(store: ConfigStore, format: ConfigFileFormat<T>, logger: Logger) {
    this.#store = store;
    this.#format = format;
    this.#logger = logger;
  }

  /** What was saved, from the file or its backup; undefined when there is nothing that can be read. */
  async load(): Promise<T | undefined> {
    const { name, decode } = this.#format;
    const text = await this.#store.readConfig(name, (candidate) => isReadable(candidate, decode));
    return text === undefined ? undefined : decode(text);
  }

  /** Notes a change that is saved with the next one, or by {@link flush}. */
  note(): void {
    this.#unsaved = true;
  }

  /** Notes a change and starts to save it. Resolves when it was written, or when that failed and was logged. */
  changed(): Promise<void> {
    this.#unsaved = true;
    this.#pending ??= (this.#running ?? Promise.resolve()).then(() => {
      this.#pending = undefined;
      this.#running = this.#write();
      return this.#running;
    });
    return this.#pending;
  }

  /** Saves what is not saved yet. */
  async flush(): Promise<void> {
    await (this.#pending ?? this.#running);
    if (this.#unsaved) await this.changed();
  }

  async #write(): Promise<void> {
    const { name, content } = this.#format;
    this.#unsaved = false;
    try {
      // Tabs, and keys in quotes: Apache's brokers write the former and read the latter.
      await this.#store.writeConfig(name, stringifyJsonDialect(content(), { indent: '\t' }));
    } catch (error) {
      this.#unsaved = true;
      this.#logger.error(`config/${name} could not be saved`, { file: name, error });
    } finally {
      this.#running = undefined;
    }
  }
}

function isReadable(text: string, decode: (text: string) => unknown): boolean {
  try {
    decode(text);
    return true;
  } catch {
    // Cut short or not ours: the store falls back to the backup.
    return false;
  }
}
