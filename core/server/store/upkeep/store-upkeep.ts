import type { Clock } from '../../../runtime/clock.js';
import type { Logger } from '../../../runtime/logger.js';
import type { Scheduler } from '../../../runtime/scheduler.js';
import type { FlushPolicy } from '../append/flush-policy.js';
import type { MessageWriter } from '../append/message-writer.js';
import type { WriteGate } from '../append/write-gate.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import type { StoreFiles } from '../files/store-files.js';
import type { Checkpointer } from '../flush/checkpointer.js';
import type { IndexFiles } from '../index/index-files.js';
import type { MessageIndex } from '../index/message-index.js';
import type { StoreCleaning } from '../message-store.js';
import { QueueCensus } from '../recovery/queue-census.js';
import { Retention } from '../retention/retention.js';
import type { ResolvedStoreOptions } from '../store-options.js';
import type { StorePaths } from '../store-paths.js';
import { DiskWatch } from './disk-watch.js';

export interface StoreUpkeepParts {
  readonly paths: StorePaths;
  readonly files: StoreFiles;
  readonly log: CommitLog;
  readonly queues: ConsumeQueues;
  readonly indexFiles: IndexFiles;
  /** Undefined where none is kept. */
  readonly index: MessageIndex | undefined;
  readonly gate: WriteGate;
  readonly writer: Pick<MessageWriter, 'dirtyBytes' | 'mend'>;
  readonly flush: FlushPolicy;
  readonly checkpointer: Checkpointer;
  /** Where the first record begins that is not to become too old; Infinity without any. */
  readonly neededFrom: () => number;
  readonly onSyncFailed: (error: unknown) => void;
  readonly scheduler: Scheduler;
  readonly options: ResolvedStoreOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What a store does beside taking and giving messages: puts queues, index and checkpoint on the disk from time to time,
 * watches how full that is, removes what is old, takes writes again when a disk that refused them does, and stops cleanly.
 */
export class StoreUpkeep {
  readonly #parts: StoreUpkeepParts;
  readonly #disk: DiskWatch;
  readonly #retention: Retention;

  constructor(parts: StoreUpkeepParts) {
    const { paths, files, gate, logger, index, indexFiles, checkpointer } = parts;
    this.#parts = parts;
    this.#disk = new DiskWatch(paths.root, files, gate, logger);
    this.#retention = new Retention({
      ...parts,
      index: index ?? indexFiles,
      diskUsedRatio: async () => {
        await this.checkDisk();
        return gate.diskUsedRatio;
      },
      savedOffset: () => checkpointer.savedOffset,
      save: () => this.#save(),
    });
  }

  /** Looks at the disk, and begins the periodic work. */
  async start(): Promise<void> {
    const { scheduler, options, queues, gate, index } = this.#parts;
    const every = (what: string, periodMs: number, run: () => unknown): void => {
      scheduler.every(`store: ${what}`, { periodMs }, run);
    };
    await this.#disk.look();
    every('write consume queues', options.flushIntervalConsumeQueueMs, () => {
      if (queues.hasUnwritten && !gate.hasFailedWrite) this.#writeQueues();
    });
    if (index !== undefined) every('index', options.flushIntervalConsumeQueueMs, () => index.follow());
    this.#retention.start(scheduler);
    every('checkpoint', options.flushConsumeQueueThoroughIntervalMs, () => this.#save());
    every('check the disk', options.diskCheckIntervalMs, () => this.checkDisk());
  }

  /** Looks at the space that is left on the volume, and whether writes can be taken again after one that failed. */
  async checkDisk(): Promise<void> {
    const { gate, writer } = this.#parts;
    const freeBytes = await this.#disk.look();
    if (!gate.hasFailedWrite || freeBytes <= 2 * writer.dirtyBytes || !this.#writeQueues()) return;
    try {
      writer.mend();
    } catch (error) {
      gate.writeFailed(error);
    }
  }

  /** Looks whether messages are too old or too many, and removes the oldest. */
  removeOldFiles(): Promise<void> {
    return this.#retention.round();
  }

  /** What an operator can have removed at once. */
  get cleaning(): StoreCleaning {
    return this.#retention;
  }

  /** Ends the periodic work, puts everything on the disk, and marks the stop as clean where that went well. Never rejects. */
  async close(): Promise<void> {
    const { scheduler, flush, index, onSyncFailed, logger } = this.#parts;
    await this.#retention.stop();
    index?.stop();
    await scheduler.close();
    try {
      await flush.close().catch(onSyncFailed);
      await index?.close();
      await this.#save();
      await this.#markClean();
    } catch (error) {
      // `abort` stays: the next start looks at every record.
      logger.error('the store could not be stopped cleanly', { error });
    }
  }

  async #markClean(): Promise<void> {
    const { gate, paths, files, log, queues } = this.#parts;
    if (gate.hasFailedSync || gate.hasFailedWrite) return;
    await new QueueCensus(paths.queueCensus, files).take(log, queues);
    files.removeFile(paths.abort);
    await files.syncDirectory(paths.root);
  }

  /** Puts everything on the disk and moves the checkpoint on, as far as the disk takes it. */
  async #save(): Promise<void> {
    const { gate, checkpointer, onSyncFailed } = this.#parts;
    if (gate.hasFailedSync || !this.#writeQueues()) return;
    await checkpointer.save().catch(onSyncFailed);
  }

  #writeQueues(): boolean {
    const { queues, gate } = this.#parts;
    try {
      queues.writeAll();
      return true;
    } catch (error) {
      gate.writeFailed(error);
      return false;
    }
  }
}
