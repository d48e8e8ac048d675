import type { Logger } from '../../runtime/logger.js';
import type { ServerStatistics } from '../running-server.js';
import type { ResolvedServerOptions } from '../server-options.js';
import type { PortableError } from './portable-error.js';

/** What a server in a worker is started with. */
export interface ServerWorkerData {
  readonly options: ResolvedServerOptions;
  /** Whether anybody listens to what it logs. */
  readonly isLogged: boolean;
}

/** What changes while a server runs. */
export interface ServerState {
  readonly statistics: ServerStatistics;
  readonly refusal: string | undefined;
}

export type LogLevel = keyof Logger;

/** A fact of a log line. */
export type PortableField = { readonly value: unknown } | { readonly error: PortableError };

/** What the worker tells. */
export type WorkerMessage =
  | {
      readonly type: 'running';
      readonly nameServers: string;
      readonly brokerAddress: string;
      readonly state: ServerState;
    }
  | { readonly type: 'refused'; readonly error: PortableError }
  | { readonly type: 'state'; readonly state: ServerState }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, PortableField>> | undefined;
    }
  /** Everything is saved; with an error when the stop failed. */
  | { readonly type: 'closed'; readonly error: PortableError | undefined };

/** What the worker is told: to stop. */
export type WorkerRequest = { readonly type: 'close' };
