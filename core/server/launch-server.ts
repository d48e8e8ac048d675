import { runServer } from './run-server.js';
import type { RunningServer } from './running-server.js';
import type { ResolvedServerOptions } from './server-options.js';
import { runServerInWorker } from './worker/worker-server.js';

/**
 * Starts a server in this thread, or in one of its own where the options say so.
 * @throws RMQ_STORE_LOCKED, RMQ_STORE_UNUSABLE, RMQ_ADDRESS_IN_USE, RMQ_SERVER_FAILED
 */
export function launchServer(options: ResolvedServerOptions): Promise<RunningServer> {
  return options.worker ? runServerInWorker(options) : runServer(options);
}
