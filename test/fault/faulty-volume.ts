import type { FreeSpace, StoreFile, StoreFiles, StoreLock } from '../../core/server/store/files/store-files.js';

const SECTOR_SIZE_BYTES = 512;

interface Content {
  readonly sizeBytes: number;
  /** Sectors as written, and as they are on the disk. */
  readonly written: Map<number, Buffer>;
  readonly durable: Map<number, Buffer>;
}

type Names = Map<string, Content>;

/** What happens instead of an operation: throw to make it fail; a number to write only so many bytes. */
export type Fault = (
  operation: 'create' | 'write' | 'sync' | 'syncDirectory' | 'rename',
  path: string,
) => number | undefined;

/**
 * A volume that can be made to fail, and that can lose its power: each sector that was not synced is then there or not,
 * each name that was not synced too, as a random number decides.
 */
export class FaultyVolume implements StoreFiles {
  fault: Fault = () => undefined;
  space: FreeSpace = { freeBytes: 900, totalBytes: 1000 };
  readonly #directories = new Map<string, { readonly written: Names; readonly durable: Names }>();
  #locked = false;

  /** The volume as it may be found after the power went; `random` gives numbers from 0 to below 1. */
  losePower(random: () => number): FaultyVolume {
    const found = new FaultyVolume();
    const survivors = new Map<Content, Content>();
    const survivorOf = (content: Content): Content => {
      let survivor = survivors.get(content);
      if (survivor === undefined) {
        survivor = surviving(content, random);
        survivors.set(content, survivor);
      }
      return survivor;
    };
    for (const [path, { written, durable }] of this.#directories) {
      const names: Names = new Map();
      for (const name of new Set([...written.keys(), ...durable.keys()])) {
        const content = random() < 0.5 ? written.get(name) : durable.get(name);
        if (content !== undefined) names.set(name, survivorOf(content));
      }
      found.#directories.set(path, { written: names, durable: new Map(names) });
    }
    return found;
  }

  /** The volume as another process finds it after this one was killed: everything written is there. */
  loseProcess(): FaultyVolume {
    const found = new FaultyVolume();
    for (const [path, { written }] of this.#directories) {
      const names: Names = new Map();
      for (const [name, { sizeBytes, written: sectors }] of written) {
        const copies = new Map([...sectors].map(([number, sector]) => [number, Buffer.from(sector)]));
        names.set(name, { sizeBytes, written: copies, durable: new Map(copies) });
      }
      found.#directories.set(path, { written: names, durable: new Map(names) });
    }
    return found;
  }

  mkdir(path: string): void {
    if (this.#directories.has(path)) return;
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (parent !== '') this.mkdir(parent);
    this.#directories.set(path, { written: new Map(), durable: new Map() });
  }

  list(path: string): string[] {
    const names = [...(this.#directories.get(path)?.written.keys() ?? [])];
    for (const directory of this.#directories.keys()) {
      if (directory.startsWith(`${path}/`) && !directory.slice(path.length + 1).includes('/')) {
        names.push(directory.slice(path.length + 1));
      }
    }
    return names.sort();
  }

  exists(path: string): boolean {
    return this.#directories.has(path) || this.#find(path) !== undefined;
  }

  create(path: string, sizeBytes: number): StoreFile {
    this.fault('create', path);
    if (this.#find(path) !== undefined) throw failure('EEXIST', path);
    const content: Content = { sizeBytes, written: new Map(), durable: new Map() };
    this.#namesOf(path).set(nameOf(path), content);
    return this.#fileOf(path, content);
  }

  open(path: string): StoreFile {
    const content = this.#find(path);
    if (content === undefined) throw failure('ENOENT', path);
    return this.#fileOf(path, content);
  }

  rename(from: string, to: string): void {
    this.fault('rename', from);
    const content = this.#find(from);
    if (content === undefined) throw failure('ENOENT', from);
    this.#namesOf(from).delete(nameOf(from));
    this.#namesOf(to).set(nameOf(to), content);
  }

  removeFile(path: string): void {
    if (this.#find(path) !== undefined) this.#namesOf(path).delete(nameOf(path));
  }

  removeDirectory(path: string): void {
    for (const directory of [...this.#directories.keys()]) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#directories.delete(directory);
    }
  }

  async syncDirectory(path: string): Promise<void> {
    this.syncDirectorySync(path);
  }

  syncDirectorySync(path: string): void {
    this.fault('syncDirectory', path);
    const directory = this.#directories.get(path);
    if (directory === undefined) throw failure('ENOENT', path);
    directory.durable.clear();
    for (const [name, content] of directory.written) directory.durable.set(name, content);
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

  #find(path: string): Content | undefined {
    return this.#directories.get(path.slice(0, path.lastIndexOf('/')))?.written.get(nameOf(path));
  }

  #namesOf(path: string): Names {
    const directory = this.#directories.get(path.slice(0, path.lastIndexOf('/')));
    if (directory === undefined) throw failure('ENOENT', path);
    return directory.written;
  }

  #fileOf(path: string, content: Content): StoreFile {
    const writeAll = (bytes: Uint8Array, position: number): void => {
      for (let done = 0; done < bytes.byteLength; ) {
        const number = Math.floor((position + done) / SECTOR_SIZE_BYTES);
        const at = (position + done) % SECTOR_SIZE_BYTES;
        const part = bytes.subarray(done, done + SECTOR_SIZE_BYTES - at);
        // A sector that is on the disk stays as it is there: the written one becomes another.
        const sector = Buffer.from(content.written.get(number) ?? Buffer.alloc(SECTOR_SIZE_BYTES));
        sector.set(part, at);
        content.written.set(number, sector);
        done += part.byteLength;
      }
    };
    const readSync = (target: Uint8Array, position: number): number => {
      const length = Math.max(0, Math.min(target.byteLength, content.sizeBytes - position));
      for (let done = 0; done < length; ) {
        const at = (position + done) % SECTOR_SIZE_BYTES;
        const part = Math.min(SECTOR_SIZE_BYTES - at, length - done);
        const sector = content.written.get(Math.floor((position + done) / SECTOR_SIZE_BYTES));
        if (sector === undefined) target.fill(0, done, done + part);
        else target.set(sector.subarray(at, at + part), done);
        done += part;
      }
      return length;
    };
    const zero = (position: number, length: number): void => {
      this.fault('write', path);
      const end = Math.min(content.sizeBytes, position + length);
      for (const number of [...content.written.keys()]) {
        const from = Math.max(position, number * SECTOR_SIZE_BYTES);
        const to = Math.min(end, (number + 1) * SECTOR_SIZE_BYTES);
        if (from < to) writeAll(Buffer.alloc(to - from), from);
      }
    };
    return {
      path,
      sizeBytes: content.sizeBytes,
      writevSync: (buffers, position) => {
        const bytes = Buffer.concat(buffers);
        const length = this.fault('write', path) ?? bytes.length;
        writeAll(bytes.subarray(0, length), position);
        return Math.min(length, bytes.length);
      },
      readSync,
      read: async (target, position) => readSync(target, position),
      sync: async () => {
        this.fault('sync', path);
        for (const [number, sector] of content.written) content.durable.set(number, sector);
      },
      zero,
      zeroTail: (position) => zero(position, content.sizeBytes - position),
      close: () => undefined,
    };
  }
}

function surviving({ sizeBytes, written, durable }: Content, random: () => number): Content {
  const sectors = new Map<number, Buffer>();
  for (const number of new Set([...written.keys(), ...durable.keys()])) {
    const sector = random() < 0.5 ? written.get(number) : durable.get(number);
    if (sector !== undefined) sectors.set(number, Buffer.from(sector));
  }
  return { sizeBytes, written: sectors, durable: new Map(sectors) };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
