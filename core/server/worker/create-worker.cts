import path = require('node:path');
import threads = require('node:worker_threads');

/** The worker's file lies beside this one. The ESM build has create-worker.mts in its place. */
function createServerWorker(options: threads.WorkerOptions): threads.Worker {
  return new threads.Worker(path.join(__dirname, 'server-worker.js'), options);
}

export = { createServerWorker };
