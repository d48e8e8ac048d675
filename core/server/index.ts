/**
 * The door `multistage/server`: a name server and a broker for this process.
 * @module
 */
import { launchServer } from './launch-server.js';
import type { RunningServer } from './running-server.js';
import { resolveServerOptions, type ServerOptions } from './server-options.js';

export { createMemoryTransport } from '../remoting/memory-transport.js';
export type { ServerTlsOptions, TlsMode, TlsOptions } from '../remoting/tls/tls-options.js';
export type { StoreStatistics } from './broker/message-store.js';
export { type EmbeddedCluster, type EmbeddedHold, embedded } from './embedded.js';
export type { RunningServer, ServerStatistics } from './running-server.js';
export type { ServerOptions, StoreSettings } from './server-options.js';
export { createMemoryStoreFiles } from './store/files/memory-store-files.js';
export type { FreeSpace, StoreFile, StoreFiles, StoreLock } from './store/files/store-files.js';
export type { StoreOptions } from './store/store-options.js';

/**
 * Starts a name server and a broker, or with `nameServers` a broker alone, and resolves when they answer.
 * @throws RMQ_OPTIONS_INVALID, RMQ_STORE_LOCKED, RMQ_STORE_UNUSABLE, RMQ_ADDRESS_IN_USE, RMQ_SERVER_FAILED
 * @example const server = await startServer({ dir: './data' }); // name server on 127.0.0.1:9876
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  return launchServer(resolveServerOptions(options, { nameServerPort: 9876, brokerPort: 10_911 }));
}
