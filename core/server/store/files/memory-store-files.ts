import { rocketMQError } from '../../../errors/rocketmq-error.js';
import type { FreeSpace, StoreFile, StoreFiles, StoreLock } from './store-files.js';

const PAGE_SIZE_BYTES = 16 * 1024;
const CAPACITY_BYTES_DEFAULT = 1024 ** 4;

/** Settings of a store in memory: each slot of the index that is used takes a page, and nobody there has as many messages. */
export const MEMORY_STORE_SETTINGS = { maxHashSlotNum: 65_536 } as const;

/**
 * Files in memory: same names and sizes as on disk, and only pages that were written take space. Syncs have nothing to
 * do. One instance is one volume; it forgets with the process.
 * @param capacityBytes size of the volume that {@link StoreFiles.freeSpace} tells of; writes beyond it fail with `ENOSPC`.
 */
export function createMemoryStoreFiles(capacityBytes = CAPACITY_BYTES_DEFAULT): StoreFiles {
  return new MemoryVolume(capacityBytes);
}

class MemoryVolume implements StoreFiles {
  readonly #capacityBytes: number;
  readonly #files = new Map<string, MemoryContent>();
  readonly #directories = new Map<string, Set<string>>();
  readonly #locks = new Set<string>();
  #usedBytes = 0;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  mkdir(path: string): void {
    const whole = normalize(path);
    if (this.#directories.has(whole)) return;
    if (this.#files.has(whole)) throw failure('EEXIST', 'a file is in the way', path);
    const [parent, name] = split(whole);
    if (name !== '') {
      this.mkdir(parent);
      this.#directories.get(parent)?.add(name);
    }
    this.#directories.set(whole, new Set());
  }

  list(path: string): string[] {
    const whole = normalize(path);
    if (this.#files.has(whole)) throw failure('ENOTDIR', 'not a directory', path);
    return [...(this.#directories.get(whole) ?? [])].sort();
  }

  exists(path: string): boolean {
    const whole = normalize(path);
    return this.#files.has(whole) || this.#directories.has(whole);
  }

  create(path: string, sizeBytes: number): StoreFile {
    const whole = normalize(path);
    if (this.exists(whole)) throw failure('EEXIST', 'the file exists', path);
    this.#nameInto(whole);
    const content = new MemoryContent(sizeBytes, this.#takePage, this.#givePage);
    this.#files.set(whole, content);
    return new MemoryStoreFile(path, content);
  }

  open(path: string): StoreFile {
    const content = this.#files.get(normalize(path));
    if (content === undefined) throw failure('ENOENT', 'no such file', path);
    return new MemoryStoreFile(path, content);
  }

  rename(from: string, to: string): void {
    const content = this.#files.get(normalize(from));
    if (content === undefined) throw failure('ENOENT', 'no such file', from);
    if (normalize(from) === normalize(to)) return;
    this.removeFile(to);
    this.#nameInto(normalize(to));
    this.#files.set(normalize(to), content);
    this.#files.delete(normalize(from));
    this.#nameOutOf(normalize(from));
  }

  removeFile(path: string): void {
    const whole = normalize(path);
    const content = this.#files.get(whole);
    if (content === undefined) return;
    this.#files.delete(whole);
    this.#nameOutOf(whole);
    content.zero(0, content.sizeBytes);
  }

  removeDirectory(path: string): void {
    const whole = normalize(path);
    for (const name of this.list(whole)) {
      const child = `${whole}/${name}`;
      if (this.#directories.has(child)) this.removeDirectory(child);
      else this.removeFile(child);
    }
    if (this.#directories.delete(whole)) this.#nameOutOf(whole);
  }

  async syncDirectory(_path: string): Promise<void> {}

  syncDirectorySync(_path: string): void {}

  async freeSpace(_path: string): Promise<FreeSpace> {
    return { freeBytes: this.#capacityBytes - this.#usedBytes, totalBytes: this.#capacityBytes };
  }

  lock(path: string): StoreLock {
    const whole = normalize(path);
    if (this.#locks.has(whole)) {
      const fields = { dir: path, holder: 'a server in this process' };
      throw rocketMQError('RMQ_STORE_LOCKED', `the data directory ${path} is held by ${fields.holder}`, fields);
    }
    this.#locks.add(whole);
    let held = true;
    return {
      release: () => {
        if (held) this.#locks.delete(whole);
        held = false;
      },
    };
  }

  #nameInto(whole: string): void {
    const [parent, name] = split(whole);
    const names = this.#directories.get(parent);
    if (names === undefined) throw failure('ENOENT', 'no such directory', parent);
    names.add(name);
  }

  #nameOutOf(whole: string): void {
    const [parent, name] = split(whole);
    this.#directories.get(parent)?.delete(name);
  }

  readonly #takePage = (): Buffer => {
    if (this.#usedBytes + PAGE_SIZE_BYTES > this.#capacityBytes) throw failure('ENOSPC', 'no space left', 'memory');
    this.#usedBytes += PAGE_SIZE_BYTES;
    return Buffer.alloc(PAGE_SIZE_BYTES);
  };

  readonly #givePage = (): void => {
    this.#usedBytes -= PAGE_SIZE_BYTES;
  };
}

/** The bytes of one file: pages by number, missing ones are zero. */
class MemoryContent {
  readonly sizeBytes: number;
  readonly #takePage: () => Buffer;
  readonly #givePage: () => void;
  readonly #pages = new Map<number, Buffer>();

  constructor(sizeBytes: number, takePage: () => Buffer, givePage: () => void) {
    this.sizeBytes = sizeBytes;
    this.#takePage = takePage;
    this.#givePage = givePage;
  }

  write(source: Uint8Array, position: number): void {
    if (position + source.byteLength > this.sizeBytes) throw failure('EFBIG', 'beyond the end of the file', 'memory');
    this.#eachPage(position, source.byteLength, (number, at, length, done) => {
      let page = this.#pages.get(number);
      if (page === undefined) {
        page = this.#takePage();
        this.#pages.set(number, page);
      }
      page.set(source.subarray(done, done + length), at);
    });
  }

  read(target: Uint8Array, position: number): number {
    const wanted = Math.max(0, Math.min(target.byteLength, this.sizeBytes - position));
    this.#eachPage(position, wanted, (number, at, length, done) => {
      const page = this.#pages.get(number);
      if (page === undefined) target.fill(0, done, done + length);
      else target.set(page.subarray(at, at + length), done);
    });
    return wanted;
  }

  zero(position: number, length: number): void {
    const wanted = Math.min(length, this.sizeBytes - position);
    this.#eachPage(position, wanted, (number, at, part) => {
      const page = this.#pages.get(number);
      if (page === undefined) return;
      if (part === PAGE_SIZE_BYTES) {
        this.#pages.delete(number);
        this.#givePage();
      } else page.fill(0, at, at + part);
    });
  }

  #eachPage(
    position: number,
    length: number,
    visit: (number: number, at: number, length: number, done: number) => void,
  ): void {
    for (let done = 0; done < length; ) {
      const number = Math.floor((position + done) / PAGE_SIZE_BYTES);
      const at = (position + done) % PAGE_SIZE_BYTES;
      const part = Math.min(PAGE_SIZE_BYTES - at, length - done);
      visit(number, at, part, done);
      done += part;
    }
  }
}

class MemoryStoreFile implements StoreFile {
  readonly path: string;
  readonly #content: MemoryContent;

  constructor(path: string, content: MemoryContent) {
    this.path = path;
    this.#content = content;
  }

  get sizeBytes(): number {
    return this.#content.sizeBytes;
  }

  writevSync(buffers: readonly Uint8Array[], position: number): number {
    let written = 0;
    for (const buffer of buffers) {
      try {
        this.#content.write(buffer, position + written);
      } catch (error) {
        // As a disk does: what went in before it was full is a short write.
        if (written > 0) return written;
        throw error;
      }
      written += buffer.byteLength;
    }
    return written;
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#content.read(target, position);
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    return this.#content.read(target, position);
  }

  async sync(): Promise<void> {}

  zero(position: number, length: number): void {
    this.#content.zero(position, length);
  }

  zeroTail(position: number): void {
    this.#content.zero(position, this.sizeBytes - position);
  }

  close(): void {}
}

function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function split(whole: string): [parent: string, name: string] {
  const slash = whole.lastIndexOf('/');
  return [slash === 0 ? '/' : whole.slice(0, slash), whole.slice(slash + 1)];
}

function failure(code: string, words: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${words}, ${path}`), { code, path });
}
