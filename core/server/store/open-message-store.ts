import { dirname } from 'node:path';
import { isRocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { parseDelayLevels } from '../../message/delay-levels.js';
import type { Clock } from '../../runtime/clock.js';
import { type Logger, silentLogger } from '../../runtime/logger.js';
import { systemClock } from '../../runtime/system-clock.js';
import { CommitLog } from './commitlog/commit-log.js';
import { ZERO_FILLED_BYTES_MAX } from './commitlog/zero-fill.js';
import { ConsumeQueues } from './consumequeue/consume-queues.js';
import { DeletedTopics } from './deleted-topics.js';
import { FileMessageStore } from './file-message-store.js';
import { OpenFiles } from './files/open-files.js';
import type { StoreFiles, StoreLock } from './files/store-files.js';
import { Checkpoint } from './flush/checkpoint.js';
import { IndexFiles } from './index/index-files.js';
import { QueueCensus } from './recovery/queue-census.js';
import { recover } from './recovery/recover.js';
import { UnsyncedMark } from './recovery/unsynced-mark.js';
import { type ResolvedStoreOptions, resolveStoreOptions, type StoreOptions } from './store-options.js';
import { type StorePaths, storePathsIn } from './store-paths.js';

export interface OpenStoreOptions extends StoreOptions {
  /** The data directory (Apache: storePathRootDir); made when missing. */
  readonly dir: string;
  readonly files: StoreFiles;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/**
 * Opens the messages of a directory: takes it for this process alone, and brings commit log and queues in order.
 * @throws RMQ_STORE_LOCKED when another process holds it
 * @throws RMQ_STORE_UNUSABLE when it cannot be written, or a file in it has another length than configured
 * @throws RMQ_OPTIONS_INVALID
 */
export async function openMessageStore(options: OpenStoreOptions): Promise<FileMessageStore> {
  const { clock = systemClock, logger = silentLogger } = options;
  const resolved = resolveStoreOptions(options);
  const paths = storePathsIn(options.dir);
  let lock: StoreLock | undefined;
  const open = new OpenFiles(options.files, resolved.openFilesMax);
  const { files } = open;
  try {
    await makeDirectory(paths, files, logger);
    lock = files.lock(paths.root);
    return await openLocked({ paths, files, open, lock, options: resolved, clock, logger });
  } catch (error) {
    open.closeAll();
    lock?.release();
    throw isSystemError(error) ? unusable(paths.root, error) : error;
  }
}

/**
 * Makes the directory and puts its name and those above it on the disk, as far as the directories there allow it. A start
 * that was killed may have made them and no more, so it is done until there is a checkpoint, which comes later.
 */
async function makeDirectory({ root, checkpoint }: StorePaths, files: StoreFiles, logger: Logger): Promise<void> {
  files.mkdir(root);
  if (files.exists(checkpoint)) return;
  for (let made = root; dirname(made) !== made; made = dirname(made)) {
    try {
      await files.syncDirectory(dirname(made));
    } catch (error) {
      logger.warn('the name of a new directory could not be put on the disk', { path: made, error });
    }
  }
}

interface LockedDirectory {
  readonly paths: StorePaths;
  readonly files: StoreFiles;
  readonly open: OpenFiles;
  readonly lock: StoreLock;
  readonly options: ResolvedStoreOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

async function openLocked(directory: LockedDirectory): Promise<FileMessageStore> {
  const { paths, files, open, options, logger } = directory;
  // The options are checked.
  const delayLevelsMs = parseDelayLevels(options.messageDelayLevel) ?? [];
  for (const path of [paths.commitLog, paths.consumeQueue, paths.config]) files.mkdir(path);
  const log = new CommitLog(
    {
      directory: paths.commitLog,
      fileSizeBytes: options.mappedFileSizeCommitLog,
      zeroFilledBytesMax: options.flushDiskType === 'SYNC_FLUSH' ? ZERO_FILLED_BYTES_MAX : 0,
    },
    files,
    open,
  );
  const queues = new ConsumeQueues(
    { directory: paths.consumeQueue, fileSizeBytes: options.mappedFileSizeConsumeQueue },
    files,
    open,
  );
  const deleted = new DeletedTopics(paths.root, paths.deletedTopics, files);
  const checkpoint = Checkpoint.open(paths.checkpoint, files);
  try {
    log.load();
    const aborted = files.exists(paths.abort);
    queues.load(aborted);
    deleted.load(aborted);
    // Before anything is brought in line: whoever is killed in the middle of that leaves what nobody may trust.
    if (!aborted) files.create(paths.abort, 0).close();
    await files.syncDirectory(paths.root);
    // What a killed process left renamed and not synced is read from now on, so it has to stay.
    await files.syncDirectory(paths.config);
    const mark = new UnsyncedMark(paths.unsynced, files);
    const unsyncedFrom = mark.read();
    const { lastStoreTimestamp, isReplayed } = await recover({
      log,
      queues,
      checkpoint,
      aborted,
      unsyncedFrom,
      census: new QueueCensus(paths.queueCensus, files),
      deleted,
      delayLevelsMs,
      logger,
    });
    if (unsyncedFrom !== undefined) {
      await queues.sync();
      mark.clear();
    }
    deleted.keepWithin(log.startOffset, log.endOffset);
    const indexFiles = openIndexFiles(directory);
    const store = new FileMessageStore({
      ...directory,
      log,
      queues,
      deleted,
      checkpoint,
      delayLevelsMs,
      indexFiles,
      isIndexTorn: isReplayed,
      lastStoreTimestamp,
    });
    await store.start();
    return store;
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

function openIndexFiles({ paths, files, open, options, logger }: LockedDirectory): IndexFiles {
  const shape = { slots: options.maxHashSlotNum, entriesMax: options.maxIndexNum };
  const indexFiles = new IndexFiles({ directory: paths.index, shape }, files, open, logger);
  indexFiles.load();
  return indexFiles;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return !isRocketMQError(error) && typeof (error as NodeJS.ErrnoException).code === 'string';
}

function unusable(root: string, cause: NodeJS.ErrnoException) {
  const words = `the data directory ${root} cannot be used: ${cause.message}`;
  return rocketMQError('RMQ_STORE_UNUSABLE', words, { path: cause.path ?? root }, { cause });
}
