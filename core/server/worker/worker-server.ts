import { inspect } from 'node:util';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { type RocketMQErrorOf, rocketMQError } from '../../errors/rocketmq-error.js';
import { type Logger, silentLogger } from '../../runtime/logger.js';
import { inspectServer } from '../inspect-server.js';
import type { RunningServer, ServerStatistics } from '../running-server.js';
import type { ResolvedServerOptions } from '../server-options.js';
import { releaseLockOfThread } from '../store/files/node-store-lock.js';
import { fromPortableError } from './portable-error.js';
import { logPosted } from './worker-logger.js';
import type { ServerState, ServerWorkerData, WorkerMessage, WorkerRequest } from './worker-messages.js';

type MakeWorker = (options: WorkerOptions) => Worker | Promise<Worker>;

/** Each build has its own way to find the worker's file; see package-imports.d.ts. */
const makeServerWorker: MakeWorker = async (options) => {
  const { createServerWorker } = await import('#server-worker');
  return createServerWorker(options);
};

/**
 * Starts a server in a thread of its own: however long the application keeps its event loop, the server's goes on.
 * @throws what {@link runServer} throws, and RMQ_SERVER_FAILED when the thread ends before it could say anything
 */
export async function runServerInWorker(
  { logger, ...options }: ResolvedServerOptions,
  makeWorker: MakeWorker = makeServerWorker,
): Promise<RunningServer> {
  const workerData: ServerWorkerData = {
    options: { ...options, logger: undefined },
    isLogged: logger !== undefined,
  };
  const worker = await makeWorker({ name: 'multistage-server', workerData });
  const server = new WorkerServer(worker, options, logger ?? silentLogger);
  await server.started;
  return server;
}

type Failure = RocketMQErrorOf<'RMQ_SERVER_FAILED'>;

/** The server in the worker, as the thread sees it that owns it. */
class WorkerServer implements RunningServer {
  readonly dir: string;
  /** Resolves when it runs. */
  readonly started: Promise<void>;
  readonly #worker: Worker;
  readonly #threadId: number;
  readonly #options: Pick<ResolvedServerOptions, 'dir' | 'store'>;
  readonly #logger: Logger;
  readonly #exited: Promise<void>;
  /** By what takes them back: one listener may be given twice. */
  readonly #onFailed = new Map<() => void, (error: Failure) => void>();
  #running: { readonly nameServers: string; readonly brokerAddress: string } | undefined;
  #state: ServerState | undefined;
  #closed: Extract<WorkerMessage, { type: 'closed' }> | undefined;
  #thrown: unknown;
  #failure: Failure | undefined;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker, options: Pick<ResolvedServerOptions, 'dir' | 'store'>, logger: Logger) {
    this.dir = options.dir;
    this.#worker = worker;
    this.#threadId = worker.threadId;
    this.#options = options;
    this.#logger = logger;
    let settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
    this.started = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (exitCode) => {
        this.#exit(exitCode);
        if (this.#failure !== undefined) settle.reject(this.#failure);
        resolve();
      });
    });
    worker.on('error', (error) => {
      this.#thrown = error;
    });
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'running') settle.resolve();
      if (message.type === 'refused') settle.reject(fromPortableError(message.error));
      this.#take(message);
    });
  }

  get nameServers(): string {
    return this.#running?.nameServers ?? '';
  }

  get brokerAddress(): string {
    return this.#running?.brokerAddress ?? '';
  }

  get statistics(): ServerStatistics {
    return this.#state!.statistics;
  }

  get refusal(): string | undefined {
    return this.#failure?.message ?? this.#state?.refusal;
  }

  onFailed(listener: (error: Failure) => void): () => void {
    const takeBack = (): void => void this.#onFailed.delete(takeBack);
    if (this.#failure === undefined) this.#onFailed.set(takeBack, listener);
    else this.#tell(listener, this.#failure);
    return takeBack;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): unknown {
    return inspectServer(this);
  }

  async #close(): Promise<void> {
    if (this.#failure === undefined) this.#worker.postMessage({ type: 'close' } satisfies WorkerRequest);
    await this.#exited;
    const error = this.#closed?.error;
    if (error !== undefined) throw fromPortableError(error);
  }

  #take(message: WorkerMessage): void {
    switch (message.type) {
      case 'running':
        this.#running = message;
        this.#state = message.state;
        break;
      case 'state':
        this.#state = message.state;
        break;
      case 'log':
        logPosted(this.#logger, message);
        break;
      case 'refused':
        this.#end();
        break;
      case 'closed':
        this.#closed = message;
        this.#end();
        break;
    }
  }

  /** It said its last; whatever the thread may still hold is nothing to wait for. */
  #end(): void {
    this.#closed ??= { type: 'closed', error: undefined };
    void this.#worker.terminate();
  }

  #exit(exitCode: number): void {
    if (this.#closed !== undefined) return;
    const { dir } = this;
    const why = this.#thrown === undefined ? `exit code ${exitCode}` : String(this.#thrown);
    const words = `the worker thread of the server of ${dir} ended by itself: ${why}`;
    this.#failure = rocketMQError(
      'RMQ_SERVER_FAILED',
      words,
      { dir, exitCode },
      { cause: this.#thrown, ...hintOf(why) },
    );
    // Its lock names this process, which goes on: nobody else would ever take the directory over.
    if (this.#options.store !== 'memory') releaseLockOfThread(dir, this.#threadId);
    this.#logger.error(words, { error: this.#failure });
    for (const listener of this.#onFailed.values()) this.#tell(listener, this.#failure);
  }

  #tell(listener: (error: Failure) => void, failure: Failure): void {
    try {
      listener(failure);
    } catch (error) {
      this.#logger.error('a listener for the failure of a server threw', { error });
    }
  }
}

/** What to do beside what the code says: a bundle has no file of the thread beside it. */
function hintOf(why: string): { readonly hint?: string } {
  if (!why.includes('Cannot find module')) return {};
  return {
    hint: 'The thread has a file of its own: leave multistage out of the bundle (external), or do without worker.',
  };
}
