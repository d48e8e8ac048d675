import type { Logger } from '../../../runtime/logger.js';
import type { WriteGate } from '../append/write-gate.js';
import type { FreeSpace, StoreFiles } from '../files/store-files.js';

/**
 * Looks how full the volume is, and tells the gate. Some volumes do not say: then writes themselves show whether there is
 * room, and what was seen last stands.
 */
export class DiskWatch {
  readonly #root: string;
  readonly #files: StoreFiles;
  readonly #gate: WriteGate;
  readonly #logger: Logger;
  #isBlind = false;

  constructor(root: string, files: StoreFiles, gate: WriteGate, logger: Logger) {
    this.#root = root;
    this.#files = files;
    this.#gate = gate;
    this.#logger = logger;
  }

  /** Bytes that are free; Infinity where the volume does not say. Never rejects. */
  async look(): Promise<number> {
    try {
      const space = await this.#files.freeSpace(this.#root);
      this.#isBlind = false;
      this.#gate.setDiskUsedRatio(usedRatioOf(space));
      return space.freeBytes;
    } catch (error) {
      const root = this.#root;
      if (!this.#isBlind)
        this.#logger.warn('the space on the volume of the data directory cannot be seen', { root, error });
      this.#isBlind = true;
      return Number.POSITIVE_INFINITY;
    }
  }
}

/** The part of a volume that is in use. */
function usedRatioOf({ freeBytes, totalBytes }: FreeSpace): number {
  return totalBytes > 0 ? 1 - freeBytes / totalBytes : 0;
}
