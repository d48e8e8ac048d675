import { inject, injectable } from 'inversify';
import { parseBody, stringOf, tableMember } from '../../remoting/protocol/body-fields.js';
import { stringifyJsonDialect } from '../../remoting/protocol/json-dialect.js';
import { Logger } from '../../runtime/logger.js';
import { type Token, token } from '../../runtime/token.js';

/** Namespace whose keys are order topics and whose values are their `broker:queues;…` lists. */
export const ORDER_TOPIC_NAMESPACE = 'ORDER_TOPIC_CONFIG';

/** Where the table is kept between runs, if anywhere. */
export interface KvStorage {
  load(isWhole: (text: string) => boolean): Promise<string | undefined>;
  save(text: string): Promise<void>;
}

export const KvStorage: Token<KvStorage> = token('nameserver.KvStorage');

type KvTable = Map<string, Map<string, string>>;

/** The name server's small settings by namespace and key. Matches Apache's KVConfigManager. */
@injectable()
export class KvConfig {
  readonly #storage: KvStorage;
  readonly #logger: Logger;
  #table: KvTable = new Map();

  constructor(@inject(KvStorage) storage: KvStorage, @inject(Logger) logger: Logger) {
    this.#storage = storage;
    this.#logger = logger;
  }

  async load(): Promise<void> {
    const text = await this.#storage.load((candidate) => decode(candidate) !== undefined);
    this.#table = (text === undefined ? undefined : decode(text)) ?? this.#table;
  }

  get(namespace: string, key: string): string | undefined {
    return this.#table.get(namespace)?.get(key);
  }

  /** The settings of a namespace; undefined when it never had one. */
  namespace(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#table.get(namespace);
  }

  /** Resolves when it is saved, or when that failed and was logged. */
  put(namespace: string, key: string, value: string): Promise<void> {
    const settings = this.#table.get(namespace) ?? new Map<string, string>();
    this.#table.set(namespace, settings.set(key, value));
    return this.#save();
  }

  /** As {@link put}. */
  delete(namespace: string, key: string): Promise<void> {
    this.#table.get(namespace)?.delete(key);
    return this.#save();
  }

  async #save(): Promise<void> {
    try {
      await this.#storage.save(stringifyJsonDialect({ configTable: this.#table }, { indent: '\t' }));
    } catch (error) {
      this.#logger.error('the name server could not save its KV configuration', { error });
    }
  }
}

/** Reads `{"configTable":{namespace:{key:value}}}`, as Apache's kvConfig.json; undefined when it is not that. */
function decode(text: string): KvTable | undefined {
  try {
    const readSettings = (settings: unknown, name: string) => tableMember({ settings }, 'settings', name, stringOf);
    return tableMember(parseBody(text, 'kvConfig.json'), 'configTable', 'kvConfig.json', readSettings);
  } catch {
    // Cut short or not ours: the storage falls back to what it held before.
    return undefined;
  }
}
