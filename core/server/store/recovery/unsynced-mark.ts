import type { StoreFiles } from '../files/store-files.js';
import { readFile, writeAll } from '../files/whole-file.js';

/**
 * The file `multistage.unsynced`: a sync failed. The system forgets what it could not write and goes on showing it to
 * every process, so that neither reading nor syncing again would tell that it is not on the disk: the next start has to
 * write it anew. Holds the position up to which the commit log was synced, in decimal digits. It needs no sync of its
 * own, since it has to last only as long as what the system shows.
 */
export class UnsyncedMark {
  readonly #path: string;
  readonly #files: StoreFiles;

  constructor(path: string, files: StoreFiles) {
    this.#path = path;
    this.#files = files;
  }

  /** Up to where the commit log was on the disk when a sync failed; undefined when none did. */
  read(): number | undefined {
    const bytes = readFile(this.#files, this.#path);
    if (bytes === undefined) return undefined;
    const offset = Number(bytes.toString('latin1'));
    return Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
  }

  set(syncedOffset: number): void {
    if (this.#files.exists(this.#path)) return;
    const bytes = Buffer.from(String(syncedOffset));
    const file = this.#files.create(this.#path, bytes.byteLength);
    try {
      writeAll(file, bytes, 0);
    } finally {
      file.close();
    }
  }

  clear(): void {
    this.#files.removeFile(this.#path);
  }
}
