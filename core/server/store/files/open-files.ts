import type { StoreFile, StoreFiles } from './store-files.js';

interface OpenFile {
  readonly file: StoreFile;
  /** Asynchronous operations that are under way on it. */
  users: number;
  /** Close it when the last user is done. */
  leaving: boolean;
}

/**
 * The files a store has open, at most `filesMax` of them: the one that was not used for longest is closed when another
 * is opened. A file handed out by {@link file} stays open while the running synchronous code uses it together with one
 * other; across an `await` it has to be held with {@link use}.
 */
export class OpenFiles {
  readonly #files: StoreFiles;
  readonly #filesMax: number;
  readonly #open = new Map<string, OpenFile>();
  #newestPath = '';
  #closed = false;

  constructor(files: StoreFiles, filesMax: number) {
    this.#files = files;
    this.#filesMax = Math.max(2, filesMax);
  }

  get count(): number {
    return this.#open.size;
  }

  file(path: string): StoreFile {
    return this.#entry(path).file;
  }

  create(path: string, sizeBytes: number): StoreFile {
    return this.#add(path, this.#files.create(path, sizeBytes)).file;
  }

  async use<T>(path: string, run: (file: StoreFile) => Promise<T>): Promise<T> {
    const entry = this.#entry(path);
    entry.users++;
    try {
      return await run(entry.file);
    } finally {
      entry.users--;
      if (entry.leaving && entry.users === 0) entry.file.close();
    }
  }

  /** Closes the file when it is open; before its removal. */
  forget(path: string): void {
    const entry = this.#open.get(path);
    if (entry === undefined) return;
    this.#open.delete(path);
    if (this.#newestPath === path) this.#newestPath = '';
    if (entry.users > 0) entry.leaving = true;
    else entry.file.close();
  }

  /** Closes every file; what is still being read is closed when that has ended. */
  closeAll(): void {
    this.#closed = true;
    for (const path of [...this.#open.keys()]) this.forget(path);
  }

  #entry(path: string): OpenFile {
    const entry = this.#open.get(path);
    if (entry === undefined) return this.#add(path, this.#files.open(path));
    if (path !== this.#newestPath) {
      // A map keeps the order of insertion: the first key is the one not used for longest.
      this.#open.delete(path);
      this.#open.set(path, entry);
      this.#newestPath = path;
    }
    return entry;
  }

  #add(path: string, file: StoreFile): OpenFile {
    const entry: OpenFile = { file, users: 0, leaving: this.#closed };
    if (this.#closed) return entry;
    this.#open.set(path, entry);
    this.#newestPath = path;
    if (this.#open.size > this.#filesMax) this.#closeOldest();
    return entry;
  }

  #closeOldest(): void {
    for (const [path, entry] of this.#open) {
      if (entry.users > 0 || path === this.#newestPath) continue;
      this.forget(path);
      return;
    }
  }
}
