import type { FreeSpace, StoreFile, StoreFiles, StoreLock } from '../../core/server/store/files/store-files.js';
import { FileContent, type FileHost, faultyFile, type Loss } from './faulty-file.js';

/** The names in a directory: as the process sees them, and as they are on the disk. */
interface Directory {
  readonly written: Map<string, Entry>;
  readonly durable: Map<string, Entry>;
}

type Entry = Directory | FileContent;

/**
 * What happens instead of an operation: throw to make it fail (`dropsDirty: true` on the error of a sync drops what it
 * should have written); a number to write only so many bytes, or to make a file of only that length.
 */
export type Fault = (
  operation: 'create' | 'write' | 'read' | 'sync' | 'syncDirectory' | 'rename',
  path: string,
) => number | undefined;

const LOSSES: readonly Loss[] = ['any sector', 'any sector', 'up to a byte', 'up to a byte', 'nothing', 'everything'];

/**
 * A volume that can be made to fail, and that can lose its power: each sector that was not synced is then there or not,
 * torn at any byte, and each name that was not synced too, as a random number decides.
 */
export class FaultyVolume implements StoreFiles {
  fault: Fault = () => undefined;
  space: FreeSpace = { freeBytes: 900, totalBytes: 1000 };
  readonly #root: Directory;
  readonly #host: FileHost;
  #locked = false;
  #dead = false;
  #held: Set<() => void> | undefined;

  constructor(root: Directory = newDirectory()) {
    this.#root = root;
    this.#host = {
      fault: (operation, path) => this.#fault(operation, path),
      syncEnd: () => this.#syncEnd(),
    };
  }

  /** The volume as it may be found after the power went; `random` gives numbers from 0 to below 1. */
  losePower(random: () => number): FaultyVolume {
    const survivors = new Map<FileContent, FileContent>();
    const survivorOf = (content: FileContent): FileContent => {
      let survivor = survivors.get(content);
      if (survivor === undefined) {
        survivor = content.surviving(LOSSES[Math.floor(random() * LOSSES.length)]!, random);
        survivors.set(content, survivor);
      }
      return survivor;
    };
    const afterwards = ({ written, durable }: Directory): Directory => {
      const found = newDirectory();
      for (const name of new Set([...written.keys(), ...durable.keys()])) {
        const entry = random() < 0.5 ? written.get(name) : durable.get(name);
        if (entry === undefined) continue;
        const survivor = entry instanceof FileContent ? survivorOf(entry) : afterwards(entry);
        found.written.set(name, survivor);
        found.durable.set(name, survivor);
      }
      return found;
    };
    return new FaultyVolume(afterwards(this.#root));
  }

  /** The volume as another process finds it after this one was killed: everything written is there. */
  loseProcess(): FaultyVolume {
    const copies = new Map<Entry, Entry>();
    const copyOf = (entry: Entry): Entry => {
      const known = copies.get(entry);
      if (known !== undefined) return known;
      if (entry instanceof FileContent) {
        const copy = entry.copy();
        copies.set(entry, copy);
        return copy;
      }
      const copy = newDirectory();
      copies.set(entry, copy);
      for (const [name, child] of entry.written) copy.written.set(name, copyOf(child));
      for (const [name, child] of entry.durable) copy.durable.set(name, copyOf(child));
      return copy;
    };
    return new FaultyVolume(copyOf(this.#root) as Directory);
  }

  /** From now on nothing that this process does reaches the volume, and everything it tries fails. */
  die(): void {
    this.#dead = true;
    this.releaseSyncs();
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /** Syncs do not end before {@link releaseSyncs}. */
  holdSyncs(): void {
    this.#held ??= new Set();
  }

  releaseSyncs(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const release of held ?? []) release();
  }

  /** Syncs that are being held. */
  get syncsUnderWay(): number {
    return this.#held?.size ?? 0;
  }

  mkdir(path: string): void {
    this.#refuseWhenDead(path);
    let directory = this.#root;
    for (const name of namesOf(path)) {
      let entry = directory.written.get(name);
      if (entry === undefined) {
        entry = newDirectory();
        directory.written.set(name, entry);
      }
      if (entry instanceof FileContent) throw failure('EEXIST', path);
      directory = entry;
    }
  }

  list(path: string): string[] {
    const entry = this.#find(path);
    if (entry instanceof FileContent) throw failure('ENOTDIR', path);
    return [...(entry?.written.keys() ?? [])].sort();
  }

  exists(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  create(path: string, sizeBytes: number): StoreFile {
    const length = this.#fault('create', path) ?? sizeBytes;
    if (this.#find(path) !== undefined) throw failure('EEXIST', path);
    const content = new FileContent(length);
    this.#directoryOf(path).written.set(lastName(path), content);
    this.#refuseWhenDead(path);
    return faultyFile(path, content, this.#host);
  }

  open(path: string): StoreFile {
    const entry = this.#find(path);
    if (!(entry instanceof FileContent)) throw failure('ENOENT', path);
    return faultyFile(path, entry, this.#host);
  }

  rename(from: string, to: string): void {
    this.#fault('rename', from);
    const entry = this.#find(from);
    if (entry === undefined) throw failure('ENOENT', from);
    this.#directoryOf(from).written.delete(lastName(from));
    this.#directoryOf(to).written.set(lastName(to), entry);
  }

  removeFile(path: string): void {
    this.#refuseWhenDead(path);
    if (this.#find(path) instanceof FileContent) this.#directoryOf(path).written.delete(lastName(path));
  }

  removeDirectory(path: string): void {
    this.#refuseWhenDead(path);
    if (this.#find(path) !== undefined) this.#directoryOf(path).written.delete(lastName(path));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#syncEnd();
    this.syncDirectorySync(path);
  }

  syncDirectorySync(path: string): void {
    this.#fault('syncDirectory', path);
    const directory = this.#find(path);
    if (directory === undefined || directory instanceof FileContent) throw failure('ENOENT', path);
    directory.durable.clear();
    for (const [name, entry] of directory.written) directory.durable.set(name, entry);
  }

  async freeSpace(): Promise<FreeSpace> {
    return this.space;
  }

  lock(path: string): StoreLock {
    if (this.#locked) throw failure('EBUSY', path);
    this.#locked = true;
    return {
      release: () => {
        this.#locked = false;
      },
    };
  }

  /** What is decided here may be that the process dies in the middle: a write or create then still has its part done. */
  #fault(...[operation, path]: Parameters<Fault>): ReturnType<Fault> {
    // What is left of the process may go on reading: that changes nothing.
    if (operation !== 'read') this.#refuseWhenDead(path);
    const instead = this.fault(operation, path);
    if (instead === undefined && operation !== 'read') this.#refuseWhenDead(path);
    return instead;
  }

  #refuseWhenDead(path: string): void {
    if (this.#dead) throw failure('EIO', path);
  }

  #syncEnd(): Promise<void> | undefined {
    const held = this.#held;
    return held === undefined ? undefined : new Promise((resolve) => held.add(resolve));
  }

  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of namesOf(path)) {
      if (entry === undefined || entry instanceof FileContent) return undefined;
      entry = entry.written.get(name);
    }
    return entry;
  }

  #directoryOf(path: string): Directory {
    const directory = this.#find(path.slice(0, path.lastIndexOf('/')));
    if (directory === undefined || directory instanceof FileContent) throw failure('ENOENT', path);
    return directory;
  }
}

function newDirectory(): Directory {
  return { written: new Map(), durable: new Map() };
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
