import { rocketMQError } from '../../../errors/rocketmq-error.js';
import type { OpenFiles } from './open-files.js';
import type { StoreFile, StoreFiles } from './store-files.js';
import { nothingWritten } from './whole-file.js';

const NAME = /^\d{20}$/;

interface LoadOptions {
  readonly removeBehindGap?: boolean;
  readonly areNamesSynced?: boolean;
}

/**
 * A long row of bytes kept in files of one size, each named by the position of its first byte in 20 digits
 * (Apache's MappedFileQueue). Positions are those of the row. A file has its full length from the start, and keeps it.
 */
export class SegmentFiles {
  readonly directory: string;
  readonly fileSizeBytes: number;
  readonly #files: StoreFiles;
  readonly #open: OpenFiles;
  /** Position of the first file; also where the row begins when there is none yet. */
  #start = 0;
  #count = 0;
  #namesChanged = false;

  constructor(directory: string, fileSizeBytes: number, files: StoreFiles, open: OpenFiles) {
    this.directory = directory;
    this.fileSizeBytes = fileSizeBytes;
    this.#files = files;
    this.#open = open;
  }

  get start(): number {
    return this.#start;
  }

  /** Where the last file ends. */
  get end(): number {
    return this.#start + this.#count * this.fileSizeBytes;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Finds the files that are there. From a missing or empty one on, `removeBehindGap` removes the rest: of names that were not
   * synced a power failure leaves any. Whether they were synced this time only a clean stop tells (`areNamesSynced`): a
   * process that was killed may have left them unsynced.
   * @throws RMQ_STORE_UNUSABLE when one has another length, or when they do not follow one another.
   */
  load({ removeBehindGap = false, areNamesSynced = false }: LoadOptions = {}): void {
    const names = this.#files.list(this.directory).filter((name) => NAME.test(name));
    if (names.length > 0 && this.#isEmptyFile(names[names.length - 1]!)) {
      // Made in the moment of a kill, before it got its length: nothing was ever in it.
      this.#files.removeFile(`${this.directory}/${names.pop()}`);
    }
    this.#start = names.length === 0 ? 0 : Number(names[0]);
    this.#count = 0;
    this.#namesChanged = !areNamesSynced && names.length > 0;
    for (const name of names) {
      const path = `${this.directory}/${name}`;
      if (removeBehindGap && this.#isEmptyFile(name)) {
        this.#files.removeFile(path);
        continue;
      }
      this.#refuseOtherLength(path);
      if (removeBehindGap && Number(name) > this.end && Number(name) % this.fileSizeBytes === 0) {
        this.#files.removeFile(path);
        continue;
      }
      if (Number(name) !== this.end || this.end % this.fileSizeBytes !== 0) {
        throw rocketMQError(
          'RMQ_STORE_UNUSABLE',
          `${path}: expected ${this.#path(this.end)} next; a file is missing, or the file size is configured otherwise`,
          { path },
        );
      }
      this.#count++;
    }
  }

  /** The file that holds `position`, which must lie in one. */
  file(position: number): StoreFile {
    return this.#open.file(this.#path(this.#fileStart(position)));
  }

  /** Makes files until `end` is reached; the first one of all is that of `from`. Names are not synced yet. */
  grow(from: number, end: number): void {
    if (this.#count === 0) {
      this.#files.mkdir(this.directory);
      this.#start = this.#fileStart(from);
    }
    while (end > this.end) {
      this.#open.create(this.#path(this.end), this.fileSizeBytes);
      this.#count++;
      this.#namesChanged = true;
    }
  }

  /** Writes all of the buffers, across files where they span; the row must reach that far. */
  write(buffers: readonly Uint8Array[], position: number): void {
    let at = position;
    let rest = buffers;
    while (rest.length > 0) {
      const room = this.fileSizeBytes - (at % this.fileSizeBytes);
      const [now, later] = splitAt(rest, room);
      const written = this.file(at).writevSync(now, at % this.fileSizeBytes);
      if (written <= 0) throw nothingWritten(this.#path(at));
      at += written;
      rest = [...splitAt(now, written)[1], ...later];
    }
  }

  /** Fills `target` from `position` on; fewer bytes only where the row ends. */
  readSync(target: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < target.byteLength && this.#holds(position + filled)) {
      const part = this.#partInFile(target, filled, position);
      const read = this.file(position + filled).readSync(part, (position + filled) % this.fileSizeBytes);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.byteLength && this.#holds(position + filled)) {
      const part = this.#partInFile(target, filled, position);
      const path = this.#path(this.#fileStart(position + filled));
      const at = (position + filled) % this.fileSizeBytes;
      const read = await this.#open.read(path, part, at);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  /** Puts what was written between the two positions on the disk, and the names of new files with it. */
  async sync(from: number, to: number): Promise<void> {
    for (let at = this.#fileStart(from); at < to; at += this.fileSizeBytes) {
      if (this.#holds(at)) await this.#open.use(this.#path(at), (file) => file.sync());
    }
    await this.#syncNames();
  }

  /** Puts the names of new files on the disk before going on; nothing when there are none. */
  syncNamesSync(): void {
    if (!this.#namesChanged) return;
    this.#files.syncDirectorySync(this.directory);
    this.#namesChanged = false;
  }

  /**
   * Makes everything from `position` on zero in its file, and removes the files behind it; `position` may be the end.
   * @param zeroFilledBytesMax see {@link StoreFile.zeroTail}
   */
  zeroFrom(position: number, zeroFilledBytesMax = 0): void {
    this.removeFrom(position);
    if (this.#holds(position)) this.file(position).zeroTail(position % this.fileSizeBytes, zeroFilledBytesMax);
  }

  /** Removes the files that begin at `position` or later, the last one first. */
  removeFrom(position: number): void {
    while (this.removeLastFrom(position));
  }

  /**
   * Removes the first file. Its disappearance is on the disk when this resolves, and so is that of those before: never is
   * one in the middle missing.
   */
  async removeFirst(): Promise<void> {
    await this.#syncNames();
    // All of them were let go meanwhile.
    if (this.#count === 0) return;
    const path = this.#path(this.#start);
    this.#open.forget(path);
    this.#files.removeFile(path);
    this.#start += this.fileSizeBytes;
    this.#count--;
    this.#namesChanged = true;
    await this.#syncNames();
  }

  /** Removes the last file when it begins at `position` or later; false when it does not. */
  removeLastFrom(position: number): boolean {
    const start = this.end - this.fileSizeBytes;
    if (this.#count === 0 || start < position) return false;
    this.#open.forget(this.#path(start));
    this.#files.removeFile(this.#path(start));
    this.#count--;
    this.#namesChanged = true;
    return true;
  }

  /** Closes the files, and is empty from now on: they are removed with their directory. */
  letGo(): void {
    for (let start = this.#start; start < this.end; start += this.fileSizeBytes) this.#open.forget(this.#path(start));
    this.#count = 0;
    this.#namesChanged = false;
  }

  async #syncNames(): Promise<void> {
    if (!this.#namesChanged) return;
    this.#namesChanged = false;
    try {
      await this.#files.syncDirectory(this.directory);
    } catch (error) {
      this.#namesChanged = true;
      throw error;
    }
  }

  #holds(position: number): boolean {
    return position >= this.#start && position < this.end;
  }

  #fileStart(position: number): number {
    return position - (position % this.fileSizeBytes);
  }

  #partInFile(target: Uint8Array, filled: number, position: number): Uint8Array {
    const room = this.fileSizeBytes - ((position + filled) % this.fileSizeBytes);
    return target.subarray(filled, Math.min(target.byteLength, filled + room));
  }

  #path(start: number): string {
    return `${this.directory}/${String(start).padStart(20, '0')}`;
  }

  #isEmptyFile(name: string): boolean {
    return this.#sizeOf(`${this.directory}/${name}`) === 0;
  }

  #refuseOtherLength(path: string): void {
    const sizeBytes = this.#sizeOf(path);
    if (sizeBytes === this.fileSizeBytes) return;
    throw rocketMQError(
      'RMQ_STORE_UNUSABLE',
      `${path} has ${sizeBytes} bytes where ${this.fileSizeBytes} are configured`,
      { path },
    );
  }

  #sizeOf(path: string): number {
    const file = this.#files.open(path);
    const { sizeBytes } = file;
    file.close();
    return sizeBytes;
  }
}

/** The buffers before and after `length` bytes; a buffer that lies across is cut without copying. */
function splitAt(buffers: readonly Uint8Array[], length: number): [before: Uint8Array[], after: Uint8Array[]] {
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  let rest = length;
  for (const buffer of buffers) {
    if (rest > 0) before.push(buffer.subarray(0, rest));
    if (rest < buffer.byteLength) after.push(buffer.subarray(Math.max(0, rest)));
    rest -= buffer.byteLength;
  }
  return [before, after];
}
