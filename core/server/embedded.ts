import type { Transport } from '../remoting/transport.js';
import { launchServer } from './launch-server.js';
import type { RunningServer, ServerStatistics } from './running-server.js';
import { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from './server-options.js';

/** One user's hold of an embedded server. */
export interface EmbeddedHold {
  /** What clients connect to: `host:port`, several joined by `;`. */
  readonly nameServers: string;
  /** How the server's addresses are reached, when it was given a transport of its own. */
  readonly transport?: Transport;
  /** Gives the hold back; the server stops with its last one. A second call does nothing. */
  release(): Promise<void>;
  /**
   * Calls back once when the server ended by itself: RMQ_SERVER_FAILED, only with `worker`. The next {@link
   * EmbeddedCluster.start} starts another one in the same directory. Who gave its hold back is not told.
   */
  onFailed(listener: (error: Error) => void): void;
}

/** A server inside this process that starts with its first user and stops with its last. Goes into `connect({ cluster })`. */
export interface EmbeddedCluster {
  /** @throws RMQ_STORE_LOCKED, RMQ_STORE_UNUSABLE, RMQ_ADDRESS_IN_USE */
  start(): Promise<EmbeddedHold>;
  /** Of the running server; undefined while nobody uses it. */
  readonly statistics: ServerStatistics | undefined;
}

/**
 * A name server and a broker in this process, for `connect({ cluster: embedded({ dir: './data' }) })`. Nothing starts
 * before a client does. Every client of one `embedded` shares one server.
 * @throws RMQ_OPTIONS_INVALID naming the option
 * @example const mq = await connect({ cluster: embedded({ dir: './data' }) });
 */
export function embedded(options: ServerOptions): EmbeddedCluster {
  return new SharedServer(resolveServerOptions(options, { nameServerPort: 0, brokerPort: 0 }));
}

class SharedServer implements EmbeddedCluster {
  readonly #options: ResolvedServerOptions;
  #server: Promise<RunningServer> | undefined;
  #running: RunningServer | undefined;
  /** The stop of the server before, which a new start waits for: it holds the directory until then. */
  #stopping: Promise<void> = Promise.resolve();
  #users = 0;
  /** Counts the servers that there were: a hold belongs to one of them. */
  #generation = 0;

  constructor(options: ResolvedServerOptions) {
    this.#options = options;
  }

  get statistics(): ServerStatistics | undefined {
    return this.#running?.statistics;
  }

  async start(): Promise<EmbeddedHold> {
    this.#users++;
    const generation = this.#generation;
    this.#server ??= this.#stopped().then(() => this.#launch(generation));
    try {
      const running = await this.#server;
      const { transport } = this.#options;
      const listening: (() => void)[] = [];
      let held = true;
      const release = async (): Promise<void> => {
        if (held) this.#leave(generation);
        held = false;
        for (const takeBack of listening.splice(0)) takeBack();
        await this.#stopping;
      };
      const onFailed = (listener: (error: Error) => void): void => {
        listening.push(running.onFailed(listener));
      };
      return { nameServers: running.nameServers, ...(transport && { transport }), release, onFailed };
    } catch (error) {
      this.#leave(generation);
      throw error;
    }
  }

  async #launch(generation: number): Promise<RunningServer> {
    const running = await launchServer(this.#options);
    if (generation === this.#generation) this.#running = running;
    running.onFailed(() => this.#forget(generation));
    return running;
  }

  /** Its users still have to release it; who comes now gets another. */
  #forget(generation: number): void {
    if (generation !== this.#generation) return;
    this.#generation++;
    this.#users = 0;
    this.#server = undefined;
    this.#running = undefined;
  }

  /** The server before let go of the directory, however that went: its users were told. */
  #stopped(): Promise<void> {
    return this.#stopping.catch(() => undefined);
  }

  #leave(generation: number): void {
    if (generation !== this.#generation || --this.#users > 0) return;
    const server = this.#server;
    this.#generation++;
    this.#server = undefined;
    this.#running = undefined;
    this.#stopping = Promise.resolve(server).then(
      (running) => running?.close(),
      // It never ran: every user has been told why.
      () => undefined,
    );
  }
}
