import { isRocketMQError, type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';
import { DeadlineHeap } from '../runtime/deadline-heap.js';
import { type Logger, silentLogger } from '../runtime/logger.js';
import { systemClock } from '../runtime/system-clock.js';
import { isPromiseLike, notSupported, systemError } from './answers.js';
import { type CloseReason, Connection, type ConnectionOwner, type ConnectionSettings } from './connection.js';
import { InterceptedRequest, type InterceptedRequestHost } from './intercepted-request.js';
import { failedStart } from './pending-command.js';
import { FRAME_SIZE_BYTES_MAX } from './protocol/frame-decoder.js';
import { LanguageCode } from './protocol/language-codes.js';
import { type OutgoingCommand, type RemotingCommand, SerializeType } from './protocol/remoting-command.js';
import { OWN_VERSION } from './protocol/version.js';
import type { CallbackHandler, PendingRequest, RemotingClient, RequestObserver } from './remoting-client.js';
import { composeRequestChain } from './request-chain.js';
import type { RequestInterceptors } from './request-interceptor.js';
import type { Transport, Wire } from './transport.js';

export interface RemotingClientOptions {
  readonly transport: Transport;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Deadlines of requests; a client that has a heap of its own shares it here. */
  readonly deadlines?: DeadlineHeap;
  /** How request headers are written; both kinds are always read. Default `json`, as Java. */
  readonly headerEncoding?: 'json' | 'rocketmq';
  /** How long a connect may take; a request also never waits beyond its own deadline. Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** A connection without traffic and without pending requests is closed. Default 120,000. */
  readonly idleTimeoutMs?: number;
  /**
   * A connection is given up when a request on it timed out and nothing at all was heard for this long: it is likely
   * dead, and the next request gets a new one. Infinity keeps it. Default 3,000.
   */
  readonly silenceMsMax?: number;
  /** Largest frame either way, length field included. Default 16 MiB. */
  readonly frameSizeBytesMax?: number;
  /** Code of the language that requests name. Default OTHER (7). */
  readonly language?: number;
  /** Version that requests name. Default 407, which is 4.9.7. */
  readonly version?: number;
  /** Translates an advertised address into one that can be reached from here. Default: the address itself. */
  readonly resolveAddress?: (address: string) => string;
  readonly interceptors?: RequestInterceptors;
  /** Opaque of each connection's first request. Default 0. */
  readonly firstOpaque?: number;
}

/** Makes a client. It does nothing until the first request. */
export function createRemotingClient(options: RemotingClientOptions): RemotingClient {
  return new SharedConnections(options);
}

/** How long a closing connection may take to hand over what was written. */
const CLOSE_TIMEOUT_MS = 1_000;

/** One connection an address, made on first use and again when it was lost. */
class SharedConnections implements RemotingClient, ConnectionOwner, InterceptedRequestHost {
  readonly clock: Clock;
  readonly deadlines: DeadlineHeap;
  readonly logger: Logger;
  readonly chain: ReturnType<typeof composeRequestChain>;
  readonly #options: RemotingClientOptions;
  readonly #settings: ConnectionSettings;
  readonly #intercepts: boolean;
  readonly #connections = new Map<string, Connection>();
  /** Wires from the moment they begin to connect until they are closed. */
  readonly #wires = new Map<Connection, Wire>();
  readonly #intercepted = new Set<InterceptedRequest>();
  readonly #handlers = new Map<number, CallbackHandler>();
  readonly #lostListeners = new Set<(address: string) => void>();
  #lateResponses = 0;
  #closing: Promise<void> | undefined;

  constructor(options: RemotingClientOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.deadlines = options.deadlines ?? new DeadlineHeap(this.clock);
    this.logger = options.logger ?? silentLogger;
    this.#settings = {
      side: 'client',
      clock: this.clock,
      deadlines: this.deadlines,
      logger: this.logger,
      serializeType: options.headerEncoding === 'rocketmq' ? SerializeType.ROCKETMQ : SerializeType.JSON,
      language: options.language ?? LanguageCode.OTHER,
      version: options.version ?? OWN_VERSION,
      frameSizeBytesMax: options.frameSizeBytesMax ?? FRAME_SIZE_BYTES_MAX,
      idleTimeoutMs: options.idleTimeoutMs ?? 120_000,
      pendingIsNotIdle: true,
      silenceMsMax: options.silenceMsMax ?? 3_000,
      firstOpaque: options.firstOpaque ?? 0,
    };
    const interceptors = options.interceptors ?? { decorate: [] };
    this.#intercepts = interceptors.decorate.length > 0 || interceptors.sign !== undefined;
    this.chain = composeRequestChain(
      interceptors,
      (address, request, timeoutMs, oneway, observer) =>
        this.#send(address, request, timeoutMs, oneway, observer, this.clock.monotonic()),
      () => this.clock.monotonic(),
      this.logger,
    );
  }

  get statistics(): { readonly lateResponses: number; readonly inFlight: number } {
    let inFlight = 0;
    for (const connection of this.#connections.values()) inFlight += connection.inFlight;
    return { lateResponses: this.#lateResponses, inFlight };
  }

  start(
    address: string,
    request: OutgoingCommand,
    options: { readonly timeoutMs: number; readonly oneway?: boolean; readonly nowMs?: number },
    observer: RequestObserver,
  ): PendingRequest {
    const { timeoutMs, oneway = false, nowMs = this.clock.monotonic() } = options;
    if (!this.#intercepts) return this.#send(address, request, timeoutMs, oneway, observer, nowMs);
    if (this.#closing) return failedStart(closedError(), observer);
    const intercepted = new InterceptedRequest(this, address, timeoutMs, observer);
    this.#intercepted.add(intercepted);
    intercepted.start(request, oneway);
    return intercepted;
  }

  invoke(
    address: string,
    request: OutgoingCommand,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RemotingCommand> {
    if (signal) return this.#invokeAbortable(address, request, timeoutMs, signal);
    return new Promise((resolve, reject) => {
      const onResponse = resolve as RequestObserver['onResponse'];
      this.start(address, request, { timeoutMs }, { onResponse, onFailure: reject });
    });
  }

  oneway(address: string, request: OutgoingCommand, { timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      const observer: RequestObserver = { onResponse: () => resolve(), onFailure: reject };
      this.start(address, request, { timeoutMs, oneway: true }, observer);
    });
  }

  handle(code: number, handler: CallbackHandler): void {
    if (this.#handlers.has(code)) {
      const option = `handler of request code ${code}`;
      throw rocketMQError('RMQ_OPTIONS_INVALID', `there is a ${option} already`, { option });
    }
    this.#handlers.set(code, handler);
  }

  onConnectionLost(listener: (address: string) => void): () => void {
    this.#lostListeners.add(listener);
    return () => void this.#lostListeners.delete(listener);
  }

  isConnected(address: string): boolean {
    return this.#connections.get(address)?.connected ?? false;
  }

  retainAddresses(keep: (address: string) => boolean): void {
    for (const [address, connection] of this.#connections) {
      if (connection.inFlight === 0 && !keep(address)) {
        connection.end({ kind: 'closed', what: 'its address is not needed any more' });
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // What connections and intercepted requests tell

  onRequest(request: RemotingCommand, connection: Connection): void {
    const handler = this.#handlers.get(request.code);
    if (!handler) {
      connection.answer(request, notSupported(request.code));
      return;
    }
    const fail = (error: unknown): void => {
      const { address } = connection;
      this.logger.warn('answering a request of the server failed', { code: request.code, address, error });
      connection.answer(request, systemError(error));
    };
    try {
      const answer = handler(request, connection.address);
      if (isPromiseLike(answer)) answer.then((later) => later && connection.answer(request, later), fail);
      else if (answer) connection.answer(request, answer);
    } catch (error) {
      fail(error);
    }
  }

  onLateResponse(): void {
    this.#lateResponses++;
  }

  onClosed(connection: Connection, reason: CloseReason): void {
    const { address } = connection;
    if (this.#connections.get(address) === connection) this.#connections.delete(address);
    if (!connection.wasConnected) return;
    this.logger.info('connection closed', { address, why: 'what' in reason ? reason.what : reason.error.message });
    if (reason.kind !== 'lost' && reason.kind !== 'invalid') return;
    for (const listener of this.#lostListeners) {
      try {
        listener(address);
      } catch (error) {
        this.logger.error('a listener of lost connections threw', { address, error });
      }
    }
  }

  onEnd(ended: InterceptedRequest): void {
    this.#intercepted.delete(ended);
  }

  #invokeAbortable(
    address: string,
    request: OutgoingCommand,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      const abort = (sent: 'no' | 'maybe'): void => {
        const message = `the request to ${address} was cancelled`;
        reject(rocketMQError('RMQ_REQUEST_ABORTED', message, { sent }, { cause: signal.reason }));
      };
      if (signal.aborted) {
        abort('no');
        return;
      }
      const onAbort = (): void => abort(pending.cancel());
      const pending = this.start(
        address,
        request,
        { timeoutMs },
        {
          onResponse(response) {
            signal.removeEventListener('abort', onAbort);
            resolve(response!);
          },
          onFailure(error) {
            signal.removeEventListener('abort', onAbort);
            reject(error);
          },
        },
      );
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #send(
    address: string,
    request: OutgoingCommand,
    timeoutMs: number,
    oneway: boolean,
    observer: RequestObserver,
    nowMs: number,
  ): PendingRequest {
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      if (this.#closing) return failedStart(closedError(), observer);
      connection = new Connection(address, this.#settings, this);
      this.#connections.set(address, connection);
      void this.#connect(connection);
    }
    return connection.start(request, timeoutMs, oneway, observer, nowMs);
  }

  async #connect(connection: Connection): Promise<void> {
    const { transport, resolveAddress, connectTimeoutMs = 3_000 } = this.#options;
    const { address } = connection;
    try {
      const wire = await transport.connect(resolveAddress?.(address) ?? address, {
        timeoutMs: connectTimeoutMs,
        events: (early) => {
          // The deadlines of requests keep the process alive; a connection that nobody waits for does not.
          early.setRef(false);
          this.#wires.set(connection, early);
          return connection.events;
        },
      });
      if (connection.closed) wire.destroy();
      else {
        this.logger.info('connected', { address });
        connection.attach(wire);
      }
      await connection.wireClosed;
    } catch (error) {
      connection.destroy({ kind: 'connect failed', error: connectError(address, error) });
    } finally {
      this.#wires.delete(connection);
    }
  }

  async #close(): Promise<void> {
    // Set before anybody hears of it, so that whoever tries again at once is refused.
    await Promise.resolve();
    const reason: CloseReason = { kind: 'closed', what: 'the client was closed' };
    const closing = [...this.#wires].map(([connection, wire]) => {
      wire.setRef(true);
      const { connected } = connection;
      connection.end(reason);
      if (!connected) wire.destroy();
      return connection.wireClosed;
    });
    // Those that have reached a connection were told by it.
    for (const intercepted of this.#intercepted) intercepted.fail(closedError());
    // Somebody awaits this, and a wire that has said all it had to may keep nothing alive any more.
    const destroyAll = (): void => {
      for (const wire of this.#wires.values()) wire.destroy();
    };
    const timer = this.clock.setTimer(CLOSE_TIMEOUT_MS, destroyAll, { ref: true });
    await Promise.all(closing);
    timer.cancel();
  }
}

function closedError(): RocketMQError {
  return rocketMQError('RMQ_NOT_RUNNING', 'the remoting client is closed', { state: 'shut down' });
}

/** The failure of a connect under the address that was asked for, whatever it was translated into. */
function connectError(address: string, error: unknown): RocketMQError {
  if (isRocketMQError(error, 'RMQ_CONNECT_FAILED') && error.address === address) return error;
  const what = error instanceof Error ? error.message : String(error);
  return rocketMQError('RMQ_CONNECT_FAILED', `cannot connect to ${address}: ${what}`, { address }, { cause: error });
}
