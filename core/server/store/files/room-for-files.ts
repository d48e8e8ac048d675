import type { StoreFiles } from './store-files.js';

/**
 * The same files, for a process that may run out of handles: what needs one is tried again for as long as `makeRoom`
 * closes something. It says false when there is nothing left to close.
 */
export function withRoom(files: StoreFiles, makeRoom: () => boolean): StoreFiles {
  const needing = <T>(work: () => T): T => {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isOutOfHandles(error) || !makeRoom()) throw error;
      }
    }
  };
  return {
    mkdir: (path) => files.mkdir(path),
    list: (path) => needing(() => files.list(path)),
    exists: (path) => files.exists(path),
    create: (path, sizeBytes) => needing(() => files.create(path, sizeBytes)),
    open: (path) => needing(() => files.open(path)),
    rename: (from, to) => files.rename(from, to),
    removeFile: (path) => files.removeFile(path),
    removeDirectory: (path) => files.removeDirectory(path),
    async syncDirectory(path) {
      for (;;) {
        try {
          return await files.syncDirectory(path);
        } catch (error) {
          if (!isOutOfHandles(error) || !makeRoom()) throw error;
        }
      }
    },
    syncDirectorySync: (path) => needing(() => files.syncDirectorySync(path)),
    freeSpace: (path) => files.freeSpace(path),
    lock: (path) => files.lock(path),
  };
}

function isOutOfHandles(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}
