/** Where things lie in a data directory: Apache's names. `index/` belongs to the index and is not touched here. */
export interface StorePaths {
  readonly root: string;
  readonly commitLog: string;
  readonly consumeQueue: string;
  readonly config: string;
  readonly checkpoint: string;
  /** Exists while the store is open; found at start it tells of an unclean end. */
  readonly abort: string;
}

export function storePathsIn(root: string): StorePaths {
  return {
    root,
    commitLog: `${root}/commitlog`,
    consumeQueue: `${root}/consumequeue`,
    config: `${root}/config`,
    checkpoint: `${root}/checkpoint`,
    abort: `${root}/abort`,
  };
}
