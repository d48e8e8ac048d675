import { type Token, token } from '../../../runtime/token.js';

/**
 * One open file of the store. Its length is fixed when it is created and it is written at positions, never appended
 * to. Calls whose name ends in `Sync` go to the page cache and are for the hot path; the others leave the event loop
 * free. Failures are the system's own errors with their `code` (`ENOSPC`, `EIO`, …).
 */
export interface StoreFile {
  readonly path: string;
  /** Length in bytes. */
  readonly sizeBytes: number;
  /** Writes the buffers one after the other at `position`. May write less than all of it: the caller goes on. */
  writevSync(buffers: readonly Uint8Array[], position: number): number;
  /** Fills `target` from `position`; fewer bytes only at the end of the file. */
  readSync(target: Uint8Array, position: number): number;
  /** As {@link readSync}, from a thread of its own: for what may have to come from the disk. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Resolves when everything written before the call is on the disk (fdatasync). */
  sync(): Promise<void>;
  /** Makes `length` bytes from `position` zero, without allocating what is a hole already. */
  zero(position: number, length: number): void;
  /**
   * Makes everything from `position` on zero, quickly also in a huge sparse file. What lies in front must have no holes.
   * @param zeroFilledBytesMax so much of the space allocated there may be zeros that were written ahead. Default 0.
   */
  zeroTail(position: number, zeroFilledBytesMax?: number): void;
  close(): void;
}

/** A directory that is held for writing. */
export interface StoreLock {
  release(): void;
}

/** What a volume offers this process: what is reserved for the system counts neither as free nor as total. */
export interface FreeSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * Everything the store asks of a file system, configuration files included; paths are joined with `/`. Replace it to
 * tear writes, drop syncs or fill disks on purpose.
 */
export interface StoreFiles {
  /** Makes the directory and those above it; nothing when it exists. */
  mkdir(path: string): void;
  /** Names in the directory, sorted; empty when there is no such directory. */
  list(path: string): string[];
  exists(path: string): boolean;
  /** Makes a new file of exactly this length, all zero and not allocated yet (sparse). Fails with `EEXIST` when there is one. */
  create(path: string, sizeBytes: number): StoreFile;
  /** Opens an existing file; fails with `ENOENT` when there is none. */
  open(path: string): StoreFile;
  /** Replaces `to` when it exists. */
  rename(from: string, to: string): void;
  /** Removes a file; nothing when there is none. */
  removeFile(path: string): void;
  /** Removes a directory and everything in it; nothing when there is none. */
  removeDirectory(path: string): void;
  /** Resolves when the names in the directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  syncDirectorySync(path: string): void;
  /** Space of the volume that holds the directory. */
  freeSpace(path: string): Promise<FreeSpace>;
  /**
   * Takes the directory for this store alone.
   * @throws RMQ_STORE_LOCKED naming the holder.
   */
  lock(path: string): StoreLock;
}

export const StoreFiles: Token<StoreFiles> = token('StoreFiles');
