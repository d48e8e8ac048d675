import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { lockDirectory } from './node-store-lock.js';
import type { FreeSpace, StoreFile, StoreFiles, StoreLock } from './store-files.js';

const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);

/** Files of the machine. A directory cannot be opened for syncing on Windows; there the file system orders names itself. */
export const nodeStoreFiles: StoreFiles = {
  mkdir: (path: string): void => makeDirectory(path),

  list(path: string): string[] {
    try {
      return fs.readdirSync(path).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },

  exists: (path: string): boolean => fs.existsSync(path),

  create(path: string, sizeBytes: number): StoreFile {
    const descriptor = fs.openSync(path, 'wx+');
    try {
      fs.ftruncateSync(descriptor, sizeBytes);
    } catch (error) {
      fs.closeSync(descriptor);
      fs.rmSync(path, { force: true });
      throw error;
    }
    return new NodeStoreFile(path, descriptor, sizeBytes);
  },

  open(path: string): StoreFile {
    const descriptor = fs.openSync(path, 'r+');
    return new NodeStoreFile(path, descriptor, fs.fstatSync(descriptor).size);
  },

  rename(from: string, to: string): void {
    fs.renameSync(from, to);
  },

  removeFile(path: string): void {
    fs.rmSync(path, { force: true });
  },

  removeDirectory(path: string): void {
    fs.rmSync(path, { recursive: true, force: true });
  },

  async syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return;
    const descriptor = fs.openSync(path, 'r');
    try {
      await fsync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  },

  syncDirectorySync(path: string): void {
    if (process.platform === 'win32') return;
    const descriptor = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  },

  async freeSpace(path: string): Promise<FreeSpace> {
    const { bavail, bfree, blocks, bsize } = await fs.promises.statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: (blocks - bfree + bavail) * bsize };
  },

  lock: (path: string): StoreLock => lockDirectory(path),
};

/** Not by Node's own `recursive`: where nothing can be made below a directory that is there (/proc), that tries for ever. */
function makeDirectory(path: string): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    fs.mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return fs.existsSync(path) && fs.statSync(path).isDirectory();
}

const BLOCK_SIZE_BYTES = 4096;
const ZERO_STEP_BYTES = 256 * 1024;
/** Where what is left may be zeros written ahead, the search for data ends behind so many zeros. */
const ZERO_RUN_BYTES_MAX = 32 * 1024 * 1024;

class NodeStoreFile implements StoreFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number, sizeBytes: number) {
    this.path = path;
    this.#descriptor = descriptor;
    this.sizeBytes = sizeBytes;
  }

  writevSync(buffers: readonly Uint8Array[], position: number): number {
    const only = buffers.length === 1 ? buffers[0] : undefined;
    if (only !== undefined) return fs.writeSync(this.#descriptor, only, 0, only.byteLength, position);
    return fs.writevSync(this.#descriptor, buffers as Uint8Array[], position);
  }

  readSync(target: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < target.byteLength) {
      const read = fs.readSync(this.#descriptor, target, filled, target.byteLength - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.byteLength) {
      const read = await readOnce(this.#descriptor, target, filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  sync(): Promise<void> {
    return fdatasync(this.#descriptor);
  }

  zero(position: number, length: number): void {
    this.#zero(position, Math.min(position + length, this.sizeBytes));
  }

  /**
   * Reading the holes of a file of 1 GiB takes seconds, so it stops as soon as it has met as many blocks with data as the
   * system says are allocated beyond `position`. On a volume that compresses, that number means nothing: it is smaller
   * than what lies in front of `position`, and then everything is read.
   *
   * Zeros that were written ahead are allocated too, and are not told from a hole. Where no more than those can be left,
   * it stops behind a long run of zeros: to leave data beyond, a power failure would have to drop all of that run, and
   * who fills ahead clears it away before its writes come there.
   */
  zeroTail(position: number, zeroFilledBytesMax = 0): void {
    const allocatedBytes = fs.fstatSync(this.#descriptor).blocks * 512;
    const firstBlock = Math.ceil(position / BLOCK_SIZE_BYTES) * BLOCK_SIZE_BYTES;
    // The block that holds `position` counts as data in front of it, and is cleared whatever the numbers say.
    this.#zero(position, Math.min(firstBlock, this.sizeBytes));
    const beyondBytes = allocatedBytes >= firstBlock ? allocatedBytes - firstBlock : Number.POSITIVE_INFINITY;
    this.#zero(firstBlock, this.sizeBytes, beyondBytes, zeroFilledBytesMax);
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }

  /** Clears up to `end`, or until no blocks with data can be left of `allocatedBytes`. */
  #zero(position: number, end: number, allocatedBytes = Number.POSITIVE_INFINITY, zeroFilledBytesMax = 0): void {
    const zeros = Buffer.alloc(ZERO_STEP_BYTES);
    const found = Buffer.allocUnsafe(ZERO_STEP_BYTES);
    let leftBytes = allocatedBytes;
    let zeroRunBytes = 0;
    for (let at = position; at < end; at += ZERO_STEP_BYTES) {
      if (leftBytes <= 0 || (leftBytes <= zeroFilledBytesMax && zeroRunBytes >= ZERO_RUN_BYTES_MAX)) return;
      const step = Math.min(ZERO_STEP_BYTES, end - at);
      const data = found.subarray(0, this.readSync(found.subarray(0, step), at));
      if (data.equals(zeros.subarray(0, data.byteLength))) {
        zeroRunBytes += step;
        continue;
      }
      zeroRunBytes = 0;
      leftBytes -= bytesOfBlocksWithData(data, zeros);
      this.#writeZeros(zeros.subarray(0, data.byteLength), at);
    }
  }

  #writeZeros(zeros: Uint8Array, position: number): void {
    for (let written = 0; written < zeros.byteLength; ) {
      written += fs.writeSync(this.#descriptor, zeros, written, zeros.byteLength - written, position + written);
    }
  }
}

function readOnce(descriptor: number, target: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(descriptor, target, offset, target.byteLength - offset, position, (error, bytesRead) => {
      if (error) reject(error);
      else resolve(bytesRead);
    });
  });
}

function bytesOfBlocksWithData(data: Uint8Array, zeros: Uint8Array): number {
  let bytes = 0;
  for (let at = 0; at < data.byteLength; at += BLOCK_SIZE_BYTES) {
    const block = data.subarray(at, at + BLOCK_SIZE_BYTES);
    if (Buffer.compare(block, zeros.subarray(0, block.byteLength)) !== 0) bytes += BLOCK_SIZE_BYTES;
  }
  return bytes;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
