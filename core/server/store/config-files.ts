import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { Logger } from '../../runtime/logger.js';
import type { StoreFile, StoreFiles } from './files/store-files.js';
import { writeFile } from './files/whole-file.js';

/** Whether a text is all of a configuration; one that a kill cut short is not. */
export type IsWhole = (text: string) => boolean;

const isNotEmpty: IsWhole = (text) => text.trim() !== '';

/**
 * The files of `config/`: `<name>`, what it held before as `<name>.bak`, and `….tmp` while one is written (as Apache's
 * ConfigManager). A kill at any moment leaves one whole text, the new or the old one.
 */
export class ConfigFiles {
  readonly #directory: string;
  readonly #files: StoreFiles;
  readonly #logger: Logger;
  /** The last write of each name, for the next to wait for. */
  readonly #writes = new Map<string, Promise<void>>();
  /** Names whose file was found torn: it must not replace the good `.bak`. */
  readonly #torn = new Set<string>();

  constructor(directory: string, files: StoreFiles, logger: Logger) {
    this.#directory = directory;
    this.#files = files;
    this.#logger = logger;
  }

  /**
   * The text of a configuration, from its `.bak` when the file is missing or not whole; undefined without either. Apache's
   * brokers write the `.bak`, remove the file and rename the new one: a kill in between leaves that as `.tmp`, and it counts.
   */
  async read(name: string, isWhole: IsWhole = isNotEmpty): Promise<string | undefined> {
    const path = this.#path(name);
    const text = await this.#readText(path);
    if (text !== undefined && isWhole(text)) return text;
    if (text !== undefined) this.#torn.add(name);
    const isRenaming = text === undefined && this.#files.exists(`${path}.bak`);
    for (const ending of isRenaming ? ['.tmp', '.bak'] : ['.bak']) {
      const other = await this.#readText(`${path}${ending}`);
      if (other === undefined || !isWhole(other)) continue;
      this.#logger.warn(`${path} cannot be read, its ${ending} is used`, { path });
      return other;
    }
    if (text !== undefined) this.#logger.error(`${path} and its .bak cannot be read`, { path });
    return undefined;
  }

  /** Replaces a configuration. Writes of one name follow one another. @throws RMQ_STORE_READ_ONLY */
  async write(name: string, text: string): Promise<void> {
    const before = this.#writes.get(name) ?? Promise.resolve();
    const write = before.then(() => this.#replace(name, text));
    const settled = write.catch(() => undefined);
    this.#writes.set(name, settled);
    void settled.then(() => {
      if (this.#writes.get(name) === settled) this.#writes.delete(name);
    });
    try {
      await write;
    } catch (cause) {
      throw rocketMQError('RMQ_STORE_READ_ONLY', `${this.#path(name)} could not be written`, {}, { cause });
    }
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await Promise.all(this.#writes.values());
  }

  async #replace(name: string, text: string): Promise<void> {
    const path = this.#path(name);
    const temporary = `${path}.tmp`;
    this.#files.mkdir(this.#directory);
    const before = this.#torn.has(name) ? undefined : await this.#readText(path);
    if (before !== undefined) {
      // Not by renaming the file itself: a power failure could keep its disappearance and forget where it went.
      await writeFile(this.#files, `${path}.bak.tmp`, Buffer.from(before));
      this.#files.rename(`${path}.bak.tmp`, `${path}.bak`);
    }
    await writeFile(this.#files, temporary, Buffer.from(text));
    this.#files.rename(temporary, path);
    this.#torn.delete(name);
    await this.#files.syncDirectory(this.#directory);
  }

  /** @throws RMQ_STORE_UNUSABLE when it is there and cannot be read */
  async #readText(path: string): Promise<string | undefined> {
    if (!this.#files.exists(path)) return undefined;
    try {
      return await readAll(this.#files.open(path));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw rocketMQError('RMQ_STORE_UNUSABLE', `${path} cannot be read: ${why}`, { path }, { cause });
    }
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`;
  }
}

async function readAll(file: StoreFile): Promise<string> {
  try {
    const bytes = Buffer.alloc(file.sizeBytes);
    const read = await file.read(bytes, 0);
    return bytes.toString('utf8', 0, read);
  } finally {
    file.close();
  }
}
