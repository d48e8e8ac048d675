/** Where things lie in a data directory: Apache's names. */
export interface StorePaths {
  readonly root: string;
  readonly commitLog: string;
  readonly consumeQueue: string;
  readonly index: string;
  readonly config: string;
  /** Apache's timers: how far they are, which second has which, and one entry for each. */
  readonly timerCheck: string;
  readonly timerWheel: string;
  readonly timerLog: string;
  readonly checkpoint: string;
  /** Exists while the store is open; found at start it tells of an unclean end. */
  readonly abort: string;
  /** Exists when a sync failed: see UnsyncedMark. */
  readonly unsynced: string;
  /** What a clean stop left: see QueueCensus. */
  readonly queueCensus: string;
  /** What the log still holds of topics that are gone: see DeletedTopics. */
  readonly deletedTopics: string;
}

export function storePathsIn(root: string): StorePaths {
  return {
    root,
    commitLog: `${root}/commitlog`,
    consumeQueue: `${root}/consumequeue`,
    index: `${root}/index`,
    config: `${root}/config`,
    timerCheck: `${root}/config/timercheck`,
    timerWheel: `${root}/timerwheel`,
    timerLog: `${root}/timerlog`,
    checkpoint: `${root}/checkpoint`,
    abort: `${root}/abort`,
    unsynced: `${root}/multistage.unsynced`,
    queueCensus: `${root}/multistage.queues`,
    deletedTopics: `${root}/multistage.deleted`,
  };
}
