import { rocketMQError } from '../../../errors/rocketmq-error.js';
import { readInt64, writeInt64 } from '../../../message/int64.js';
import type { StoreFile, StoreFiles } from '../files/store-files.js';
import { writeAll } from '../files/whole-file.js';

const FILE_SIZE_BYTES = 4096;
const VALUES_SIZE_BYTES = 24;
/** Recovery goes back this much further than the checkpoint says. */
const MARGIN_MS = 3000;

export interface CheckpointValues {
  /** Store time of the newest message whose record is on the disk. */
  readonly physicMsgTimestamp: number;
  /** Store time of the newest message whose queue entry is on the disk. */
  readonly logicsMsgTimestamp: number;
  /** Store time of the newest message whose index entries are on the disk. */
  readonly indexMsgTimestamp: number;
}

/**
 * The file `checkpoint`, one page of 4096 bytes (Apache's StoreCheckpoint). What lies behind the three values belongs to
 * later versions and is left alone.
 *
 *     0                  8                  16                24             4096
 *     +------------------+------------------+-----------------+----------------+
 *     | physic timestamp | logics timestamp | index timestamp | not ours       |
 *     +------------------+------------------+-----------------+----------------+
 */
export class Checkpoint {
  readonly #file: StoreFile;
  #values: CheckpointValues;

  private constructor(file: StoreFile, values: CheckpointValues) {
    this.#file = file;
    this.#values = values;
  }

  /** @throws RMQ_STORE_UNUSABLE when the file has another length. */
  static open(path: string, files: StoreFiles): Checkpoint {
    let file = files.exists(path) ? files.open(path) : files.create(path, FILE_SIZE_BYTES);
    if (file.sizeBytes === 0) {
      // Made in the moment of a kill, before it got its length.
      file.close();
      files.removeFile(path);
      file = files.create(path, FILE_SIZE_BYTES);
    }
    if (file.sizeBytes !== FILE_SIZE_BYTES) {
      const { sizeBytes } = file;
      file.close();
      throw rocketMQError('RMQ_STORE_UNUSABLE', `${path} has ${sizeBytes} bytes, not ${FILE_SIZE_BYTES}`, { path });
    }
    const bytes = Buffer.alloc(VALUES_SIZE_BYTES);
    file.readSync(bytes, 0);
    return new Checkpoint(file, {
      physicMsgTimestamp: readInt64(bytes, 0),
      logicsMsgTimestamp: readInt64(bytes, 8),
      indexMsgTimestamp: readInt64(bytes, 16),
    });
  }

  get values(): CheckpointValues {
    return this.#values;
  }

  /** Messages stored up to this moment are on the disk with their queue entries; 0 when nothing is known. */
  get minTimestamp(): number {
    const { physicMsgTimestamp, logicsMsgTimestamp } = this.#values;
    return Math.max(0, Math.min(physicMsgTimestamp, logicsMsgTimestamp) - MARGIN_MS);
  }

  /** Replaces the values in one write and puts them on the disk. */
  async save(values: CheckpointValues): Promise<void> {
    const bytes = Buffer.alloc(VALUES_SIZE_BYTES);
    writeInt64(bytes, 0, values.physicMsgTimestamp);
    writeInt64(bytes, 8, values.logicsMsgTimestamp);
    writeInt64(bytes, 16, values.indexMsgTimestamp);
    writeAll(this.#file, bytes, 0);
    this.#values = values;
    await this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
