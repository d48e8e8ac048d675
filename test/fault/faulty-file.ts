import type { StoreFile } from '../../core/server/store/files/store-files.js';
import type { Fault } from './faulty-volume.js';

export const SECTOR_SIZE_BYTES = 512;

type Sectors = Map<number, Buffer>;

/** How much of what was not synced a power failure leaves. */
export type Loss = 'any sector' | 'up to a byte' | 'nothing' | 'everything';

/** The bytes of a file: as the process sees them, and as they are on the disk. */
export class FileContent {
  readonly sizeBytes: number;
  readonly #written: Sectors;
  readonly #durable: Sectors;
  /** Sectors that a failed sync dropped: seen by every process, taken for synced, not on the disk. */
  readonly #dropped: Set<number>;

  constructor(
    sizeBytes: number,
    written: Sectors = new Map(),
    durable: Sectors = new Map(),
    dropped = new Set<number>(),
  ) {
    this.sizeBytes = sizeBytes;
    this.#written = written;
    this.#durable = durable;
    this.#dropped = dropped;
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.byteLength; ) {
      const number = Math.floor((position + done) / SECTOR_SIZE_BYTES);
      const at = (position + done) % SECTOR_SIZE_BYTES;
      const part = bytes.subarray(done, done + SECTOR_SIZE_BYTES - at);
      // A sector that is on the disk stays as it is there: the written one becomes another.
      const sector = copyOf(this.#written.get(number));
      sector.set(part, at);
      this.#written.set(number, sector);
      this.#dropped.delete(number);
      done += part.byteLength;
    }
  }

  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.byteLength, this.sizeBytes - position));
    for (let done = 0; done < length; ) {
      const at = (position + done) % SECTOR_SIZE_BYTES;
      const part = Math.min(SECTOR_SIZE_BYTES - at, length - done);
      const sector = this.#written.get(Math.floor((position + done) / SECTOR_SIZE_BYTES));
      if (sector === undefined) target.fill(0, done, done + part);
      else target.set(sector.subarray(at, at + part), done);
      done += part;
    }
    return length;
  }

  zero(position: number, length: number): void {
    const end = Math.min(this.sizeBytes, position + length);
    for (const number of [...this.#written.keys()]) {
      const from = Math.max(position, number * SECTOR_SIZE_BYTES);
      const to = Math.min(end, (number + 1) * SECTOR_SIZE_BYTES);
      if (from < to) this.write(Buffer.alloc(to - from), from);
    }
  }

  /** Begins a sync; calling the result ends it: what was written before it began is on the disk then. */
  beginSync(): () => void {
    const snapshot = [...this.#written].filter(([number]) => this.#isDirty(number));
    return () => {
      for (const [number, sector] of snapshot) this.#durable.set(number, sector);
    };
  }

  /** What systems do when a sync fails: what was to be written counts as written from now on. */
  dropDirty(): void {
    for (const number of this.#written.keys()) if (this.#isDirty(number)) this.#dropped.add(number);
  }

  /** The same file for another process. */
  copy(): FileContent {
    return new FileContent(this.sizeBytes, new Map(this.#written), new Map(this.#durable), new Set(this.#dropped));
  }

  /** The file after a power failure. */
  surviving(loss: Loss, random: () => number): FileContent {
    const unsafe = [...this.#written.keys()]
      .filter((number) => this.#isUnsafe(number))
      .sort((one, other) => one - other);
    const found: Sectors = new Map(this.#durable);
    const torn = Math.floor(random() * (unsafe.length + 1));
    for (const [index, number] of unsafe.entries()) {
      const written = this.#written.get(number)!;
      const survives =
        loss === 'everything' || (loss === 'any sector' && random() < 0.5) || (loss === 'up to a byte' && index < torn);
      if (survives) found.set(number, written);
      else if (loss === 'up to a byte' && index === torn) found.set(number, tear(written, found.get(number), random));
    }
    return new FileContent(this.sizeBytes, found, new Map(found));
  }

  #isDirty(number: number): boolean {
    return this.#isUnsafe(number) && !this.#dropped.has(number);
  }

  #isUnsafe(number: number): boolean {
    return this.#written.get(number) !== this.#durable.get(number);
  }
}

/** What a volume does for its files. */
export interface FileHost {
  /** @throws what the file system would say */
  fault(...parameters: Parameters<Fault>): ReturnType<Fault>;
  /** Resolves when a sync may end. */
  syncEnd(): Promise<void> | undefined;
}

export function faultyFile(path: string, content: FileContent, host: FileHost): StoreFile {
  const zero = (position: number, length: number): void => {
    host.fault('write', path);
    content.zero(position, length);
  };
  return {
    path,
    sizeBytes: content.sizeBytes,
    writevSync: (buffers, position) => {
      const bytes = Buffer.concat(buffers);
      const length = Math.min(host.fault('write', path) ?? bytes.length, bytes.length);
      content.write(bytes.subarray(0, length), position);
      return length;
    },
    readSync: (target, position) => {
      host.fault('read', path);
      return content.read(target, position);
    },
    read: async (target, position) => {
      host.fault('read', path);
      return content.read(target, position);
    },
    sync: async () => {
      const end = content.beginSync();
      await host.syncEnd();
      try {
        host.fault('sync', path);
      } catch (error) {
        if ((error as { dropsDirty?: boolean }).dropsDirty === true) content.dropDirty();
        throw error;
      }
      end();
    },
    zero,
    zeroTail: (position) => zero(position, content.sizeBytes - position),
    close: () => undefined,
  };
}

function copyOf(sector: Buffer | undefined): Buffer {
  return sector === undefined ? Buffer.alloc(SECTOR_SIZE_BYTES) : Buffer.from(sector);
}

/** The new bytes up to one of them, the old ones behind it. */
function tear(written: Buffer, before: Buffer | undefined, random: () => number): Buffer {
  const sector = copyOf(before);
  written.copy(sector, 0, 0, Math.floor(random() * SECTOR_SIZE_BYTES));
  return sector;
}
