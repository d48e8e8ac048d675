import { withRoom } from './room-for-files.js';
import type { StoreFile, StoreFiles } from './store-files.js';
import { Turns } from './turns.js';

/** Not fewer are kept open when the process runs short of handles: it is others then who have them. */
const FILES_MIN = 16;
/**
 * Reads that the system is asked for at one time. Node has four threads for files: two are left for what writers wait for,
 * so that no sync stands in line behind many who read old messages.
 */
const READS_AT_ONCE = 2;
/** After so many files that were closed for want of room, one more is tried again. */
const CLOSED_BEFORE_ONE_MORE = 1000;

interface OpenFile {
  readonly file: StoreFile;
  /** Asynchronous operations that are under way on it. */
  users: number;
  /** Close it when the last user is done. */
  leaving: boolean;
}

/**
 * The files a store has open, at most `filesMax` of them: the one that was not used for longest is closed when another
 * is opened. Where the system allows the process fewer handles, half of them are given up, so that connections have some
 * too, and that many have to do from then on. A file handed out by {@link file} stays open while the running synchronous code uses it together with one
 * other; across an `await` it has to be held with {@link use}.
 */
export class OpenFiles {
  /** The volume, for everything else that the store does there: when no handle is left, files are closed for it too. */
  readonly files: StoreFiles;
  readonly #filesMax: number;
  readonly #open = new Map<string, OpenFile>();
  readonly #reads = new Turns(READS_AT_ONCE);
  /** At most {@link #filesMax}; fewer after the system refused one. */
  #filesAllowed: number;
  #closedForRoom = 0;
  #newestPath = '';
  #closed = false;

  constructor(files: StoreFiles, filesMax: number) {
    this.files = withRoom(files, () => this.#giveUpHalf());
    this.#filesMax = Math.max(2, filesMax);
    this.#filesAllowed = this.#filesMax;
  }

  get count(): number {
    return this.#open.size;
  }

  file(path: string): StoreFile {
    return this.#entry(path).file;
  }

  create(path: string, sizeBytes: number): StoreFile {
    return this.#add(path, this.files.create(path, sizeBytes)).file;
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

  /** Reads by promise, as {@link StoreFile.read}, when it is its turn. */
  read(path: string, target: Uint8Array, position: number): Promise<number> {
    // Held from now on: retention may remove the file before it is its turn.
    return this.use(path, (file) => this.#reads.take(() => file.read(target, position)));
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
    if (entry === undefined) return this.#add(path, this.files.open(path));
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
    if (this.#open.size > this.#filesAllowed && this.#closeOldest()) this.#allowMore();
    return entry;
  }

  /** False when there was nothing to give up. */
  #giveUpHalf(): boolean {
    this.#filesAllowed = Math.min(this.#filesMax, Math.max(FILES_MIN, Math.floor(this.#open.size / 2)));
    this.#closedForRoom = 0;
    let closed = this.#closeOldest();
    while (closed && this.#open.size > this.#filesAllowed) closed = this.#closeOldest();
    return closed;
  }

  /** The shortage may be over: whoever took the handles may have given them back. */
  #allowMore(): void {
    if (this.#filesAllowed === this.#filesMax || ++this.#closedForRoom < CLOSED_BEFORE_ONE_MORE) return;
    this.#closedForRoom = 0;
    this.#filesAllowed++;
  }

  #closeOldest(): boolean {
    for (const [path, entry] of this.#open) {
      if (entry.users > 0 || path === this.#newestPath) continue;
      this.forget(path);
      return true;
    }
    return false;
  }
}
