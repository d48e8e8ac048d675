import type { Logger } from '../../../runtime/logger.js';
import type { OpenFiles } from '../files/open-files.js';
import type { StoreFiles } from '../files/store-files.js';
import { IndexFile } from './index-file.js';
import {
  HEADER_SIZE_BYTES,
  INDEX_FILE_NAME,
  type IndexHeader,
  type IndexShape,
  indexFileName,
  indexFileSizeBytes,
  readIndexHeader,
} from './index-layout.js';
import { type LogRange, restoreIndexFile } from './restore-index-file.js';

export interface IndexFilesOptions {
  /** `…/index`. */
  readonly directory: string;
  readonly shape: IndexShape;
}

/** The files of the index, the newest last. None of them is needed: what one of them held can be made anew from the log. */
export class IndexFiles {
  readonly #options: IndexFilesOptions;
  readonly #volume: StoreFiles;
  readonly #open: OpenFiles;
  readonly #logger: Logger;
  #files: IndexFile[] = [];
  readonly #unsynced = new Set<IndexFile>();
  #namesChanged = false;

  constructor(options: IndexFilesOptions, volume: StoreFiles, open: OpenFiles, logger: Logger) {
    this.#options = options;
    this.#volume = volume;
    this.#open = open;
    this.#logger = logger;
  }

  /** Finds the files. From one on that has another length than the shape asks for, they are thrown away. */
  load(): void {
    // A process that was killed may have left them unsynced.
    this.#namesChanged = true;
    const { directory, shape } = this.#options;
    const sizeBytes = indexFileSizeBytes(shape);
    const names = this.#volume.list(directory).filter((name) => INDEX_FILE_NAME.test(name));
    for (const name of names) {
      const header = this.#readHeader(`${directory}/${name}`, sizeBytes);
      if (header === undefined || header.count > shape.entriesMax) {
        this.#logger.warn('a file of the index is not of the configured size: the index is made anew from there', {
          name,
        });
        this.#remove(names.slice(names.indexOf(name)));
        return;
      }
      this.#files.push(new IndexFile(directory, name, shape, this.#open, header));
    }
  }

  /** The oldest first. */
  get all(): readonly IndexFile[] {
    return this.#files;
  }

  get newest(): IndexFile | undefined {
    return this.#files.at(-1);
  }

  /** The newest that holds something; a file that was made and could not be written to holds nothing. */
  get newestWithEntries(): IndexFile | undefined {
    return this.#files.findLast(({ header }) => header.count > 1);
  }

  /** Makes the file that follows the newest. */
  add(nowMs: number): IndexFile {
    const { directory, shape } = this.#options;
    const name = indexFileName(nowMs, this.newest?.name);
    this.#volume.mkdir(directory);
    // What a try that failed may have left.
    this.#volume.removeFile(`${directory}/${name}`);
    this.#open.create(`${directory}/${name}`, indexFileSizeBytes(shape));
    const file = new IndexFile(directory, name, shape, this.#open);
    this.#files.push(file);
    this.#namesChanged = true;
    return file;
  }

  /** The file is about to be written to: with what comes in, it has to go to the disk. */
  async use(file: IndexFile): Promise<void> {
    await this.#syncNames();
    this.#unsynced.add(file);
  }

  /**
   * Brings in order what was not closed or not put on the disk: files that are not full, those with messages as young as
   * `trustedUntil`, and those that name places where the log is not. What cannot be is thrown away, and what follows it.
   */
  async restore(trustedUntil: number, range: LogRange): Promise<void> {
    for (const file of [...this.#files]) {
      const { endTimestamp, endOffset } = file.header;
      const isWhole = file.roomEntries === 0 && file !== this.newest;
      // What has the very time may have come later: clocks are set back.
      if (isWhole && endTimestamp < trustedUntil && endOffset < range.end) continue;
      const header = await this.#restoreOne(file, range);
      if (header === undefined || header.count === 1) {
        this.#logger.info('a file of the index is thrown away: it is made anew from the log', { name: file.name });
        this.removeFrom(file);
        return;
      }
      file.restored(header);
      if (file.roomEntries > 0 && file !== this.newest) {
        this.removeFrom(this.#files[this.#files.indexOf(file) + 1]!);
        return;
      }
    }
  }

  /** Puts what was written on the disk. A file that the disk does not take is thrown away, with those that follow it. */
  async sync(): Promise<void> {
    for (const file of [...this.#unsynced]) {
      try {
        await file.sync();
        this.#unsynced.delete(file);
      } catch (error) {
        this.#logger.warn('a file of the index could not be put on the disk: it is made anew', {
          name: file.name,
          error,
        });
        this.removeFrom(file);
        break;
      }
    }
    await this.#syncNames();
  }

  /** Removes the files whose messages all lie in front of `commitLogStart`; never the newest (Apache's deleteExpiredFile). */
  async removeBefore(commitLogStart: number): Promise<void> {
    while (this.#files.length > 1 && this.#files[0]!.header.endOffset < commitLogStart) {
      const [file] = this.#files.splice(0, 1) as [IndexFile];
      this.#forget(file);
      await this.#volume.syncDirectory(this.#options.directory);
    }
  }

  /** Throws away a file and those that follow it. */
  removeFrom(file: IndexFile): void {
    const removed = this.#files.splice(Math.max(0, this.#files.indexOf(file)));
    for (const one of removed.reverse()) this.#forget(one);
    this.#namesChanged = true;
  }

  /**
   * Before a file is written to, the names of all are on the disk: a power failure must neither take one from the middle nor
   * bring one back, since what it held would then be looked for nowhere.
   */
  async #syncNames(): Promise<void> {
    if (!this.#namesChanged || !this.#volume.exists(this.#options.directory)) return;
    await this.#volume.syncDirectory(this.#options.directory);
    this.#namesChanged = false;
  }

  #restoreOne(file: IndexFile, range: LogRange): Promise<IndexHeader | undefined> {
    return this.#open.use(file.path, (opened) => restoreIndexFile(opened, this.#options.shape, range));
  }

  #forget(file: IndexFile): void {
    this.#unsynced.delete(file);
    this.#open.forget(file.path);
    this.#volume.removeFile(file.path);
  }

  #remove(names: readonly string[]): void {
    for (const name of [...names].reverse()) this.#volume.removeFile(`${this.#options.directory}/${name}`);
    this.#namesChanged = true;
  }

  #readHeader(path: string, sizeBytes: number): IndexHeader | undefined {
    const file = this.#volume.open(path);
    try {
      const bytes = Buffer.alloc(HEADER_SIZE_BYTES);
      if (file.sizeBytes !== sizeBytes || file.readSync(bytes, 0) < bytes.length) return undefined;
      return readIndexHeader(bytes);
    } finally {
      file.close();
    }
  }
}
