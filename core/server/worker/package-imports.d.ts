/** Names that package.json resolves inside this package: each build has its own file for them. */
declare module '#server-worker' {
  /** Makes the thread that server-worker.ts runs in. */
  export function createServerWorker(
    options: import('node:worker_threads').WorkerOptions,
  ): import('node:worker_threads').Worker;
}
