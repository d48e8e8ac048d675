import { Worker, type WorkerOptions } from 'node:worker_threads';

/** The worker's file lies beside this one. The CommonJS build has create-worker.cts in its place. */
export function createServerWorker(options: WorkerOptions): Worker {
  return new Worker(new URL('./server-worker.js', import.meta.url), options);
}
