import type { MessageQueue } from '../../message/message.js';
import { decodeLocalOffsets, encodeLocalOffsets } from '../../remoting/protocol/local-offsets.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import { queueKey } from '../queues/consumed-queue.js';

export interface LocalOffsetStoreOptions {
  /** Folder of this client and group; made when the first offset is stored. */
  readonly dir: string;
  /** The group as the application writes it. */
  readonly group: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPersisted?: (queue: MessageQueue, offset: number) => void;
}

interface Position {
  readonly queue: MessageQueue;
  offset: number;
}

/**
 * Offsets in a file of this machine, where a broadcasting consumer has them: `offsets.json` with the one before as
 * `offsets.json.bak`, in Java's format. Matches Apache's LocalFileOffsetStore.
 */
export class LocalOffsetStore implements OffsetStore {
  readonly #options: LocalOffsetStoreOptions;
  readonly #positions = new Map<string, Position>();
  #loading: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #changed = false;

  constructor(options: LocalOffsetStoreOptions) {
    this.#options = options;
  }

  async read(queue: MessageQueue): Promise<number | undefined> {
    if (this.#loading === undefined) {
      this.#loading = this.#load();
      this.#options.clock.holdFor?.(this.#loading);
    }
    await this.#loading;
    return this.#positions.get(queueKey(queue))?.offset;
  }

  update(queue: MessageQueue, offset: number): void {
    const position = this.#positions.get(queueKey(queue));
    if (position?.offset === offset) return;
    if (position === undefined) this.#positions.set(queueKey(queue), { queue, offset });
    else position.offset = offset;
    this.#changed = true;
  }

  /** The whole file, whichever queues are asked for. */
  persist(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    this.#options.clock.holdFor?.(this.#writing);
    return this.#writing;
  }

  /** A queue that is not read now keeps its place in the file: no other member knows it. */
  remove(): void {}

  /** A file that is missing or damaged gives way to the one before; without either every queue begins as options say. */
  async #load(): Promise<void> {
    const { dir, logger, group } = this.#options;
    const { readFile } = fileSystem();
    for (const name of ['offsets.json', 'offsets.json.bak']) {
      try {
        for (const [queue, offset] of decodeLocalOffsets(await readFile(`${dir}/${name}`, 'utf8'))) {
          if (!this.#positions.has(queueKey(queue))) this.#positions.set(queueKey(queue), { queue, offset });
        }
        return;
      } catch (error) {
        if (isMissing(error)) continue;
        logger.warn('a file of offsets cannot be read', { group, file: `${dir}/${name}`, error });
      }
    }
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    const { dir, logger, group, onPersisted } = this.#options;
    const { mkdir, writeFile, rename } = fileSystem();
    const positions = [...this.#positions.values()].map((position) => ({ ...position }));
    try {
      await mkdir(dir, { recursive: true });
      const file = `${dir}/offsets.json`;
      await writeFile(
        `${file}.tmp`,
        encodeLocalOffsets(new Map(positions.map(({ queue, offset }) => [queue, offset]))),
      );
      await rename(file, `${file}.bak`).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      await rename(`${file}.tmp`, file);
      for (const { queue, offset } of positions) onPersisted?.(queue, offset);
    } catch (error) {
      this.#changed = true;
      logger.warn('offsets could not be stored; they are written again at the next turn', { group, dir, error });
    }
  }
}

/** Loaded with its first use: a client that broadcasts nothing needs no file system. */
function fileSystem(): typeof import('node:fs/promises') {
  return process.getBuiltinModule('node:fs/promises');
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
