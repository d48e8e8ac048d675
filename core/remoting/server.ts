import type { Clock } from '../runtime/clock.js';
import { DeadlineHeap } from '../runtime/deadline-heap.js';
import { type Logger, silentLogger } from '../runtime/logger.js';
import { systemClock } from '../runtime/system-clock.js';
import { notSupported } from './answers.js';
import type { CloseReason, ConnectionSettings } from './connection.js';
import { PeerWarnings } from './peer-warnings.js';
import { FRAME_SIZE_BYTES_MAX } from './protocol/frame-decoder.js';
import { LanguageCode } from './protocol/language-codes.js';
import { SerializeType } from './protocol/remoting-command.js';
import { OWN_VERSION } from './protocol/version.js';
import type { RemotingServer, RemotingServerOptions, RequestProcessor, ServerConnection } from './remoting-server.js';
import { AcceptedConnection, type ServerConnectionHost } from './server-connection.js';
import type { Listener, Transport, Wire, WireEvents } from './transport.js';

export interface RemotingServerSettings extends RemotingServerOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How the headers of the server's own requests are written; answers follow their request. Default `json`. */
  readonly headerEncoding?: 'json' | 'rocketmq';
  /** Code of the language that answers name. Default JAVA (0), as the server we behave like. */
  readonly language?: number;
  /** Version that answers name. Default 407, which is 4.9.7. */
  readonly version?: number;
  /** Stands before the processor of every request: what it returns for a processor is asked in its place. */
  readonly around?: (processor: RequestProcessor) => RequestProcessor;
}

/** Makes a server. It listens when `listen` is called; processors are registered before. */
export function createRemotingServer(transport: Transport, settings: RemotingServerSettings): RemotingServer {
  return new ProcessorTable(transport, settings);
}

/** Processors behind one listener, and the connections that use them. */
class ProcessorTable implements RemotingServer {
  readonly #transport: Transport;
  readonly #options: RemotingServerSettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #peerWarnings: PeerWarnings;
  readonly #host: ServerConnectionHost;
  readonly #processors = new Map<number, RequestProcessor>();
  readonly #connections = new Set<AcceptedConnection>();
  readonly #connectionListeners: ((connection: ServerConnection) => void)[] = [];
  readonly #turnEndListeners: (() => void)[] = [];
  #processOthers: RequestProcessor = (request) => notSupported(request.code);
  #listener: Listener | undefined;
  #refusedConnections = 0;
  #invalidFrames = 0;
  #lateResponses = 0;
  #promises = 0;
  #onPromisesKept: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(transport: Transport, options: RemotingServerSettings) {
    this.#transport = transport;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#peerWarnings = new PeerWarnings(this.#clock, this.#logger);
    const processorOf = (code: number): RequestProcessor => this.#processors.get(code) ?? this.#processOthers;
    const { around } = options;
    this.#host = {
      settings: connectionSettings(options, this.#clock, this.#logger),
      logger: this.#logger,
      // Below this a wire may never ask to drain, and nobody would say when to go on.
      unsentBytesMax: Math.max(1024 * 1024, options.unsentBytesMax ?? 8 * 1024 * 1024),
      processorOf: around === undefined ? processorOf : (code) => around(processorOf(code)),
      turnEnded: () => this.#turnEnded(),
      connectionClosed: (connection, reason) => this.#connectionClosed(connection, reason),
      cameLate: () => {
        this.#lateResponses++;
      },
      promised: (change) => this.#promised(change),
    };
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#listener?.address ?? { host: this.#options.host, port: this.#options.port };
  }

  get statistics() {
    return {
      connections: this.#connections.size,
      refusedConnections: this.#refusedConnections,
      invalidFrames: this.#invalidFrames,
      lateResponses: this.#lateResponses,
    };
  }

  process(code: number, processor: RequestProcessor): void {
    this.#processors.set(code, processor);
  }

  processOthers(processor: RequestProcessor): void {
    this.#processOthers = processor;
  }

  onConnection(listener: (connection: ServerConnection) => void): void {
    this.#connectionListeners.push(listener);
  }

  onTurnEnd(listener: () => void): void {
    this.#turnEndListeners.push(listener);
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    const onAcceptError = (error: Error): void => this.#logger.warn('a connection could not be accepted', { error });
    this.#listener = await this.#transport.listen({ host, port, onAcceptError }, (wire) => this.#accept(wire));
    if (this.#closing) await this.#listener.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #accept(wire: Wire): WireEvents {
    if (this.#closing || this.#connections.size >= (this.#options.connectionsMax ?? 10_000)) {
      this.#refusedConnections++;
      wire.destroy();
      return REFUSED;
    }
    const connection = new AcceptedConnection(wire, this.#host);
    this.#connections.add(connection);
    for (const listener of this.#connectionListeners) {
      try {
        listener(connection);
      } catch (error) {
        this.#logger.error('a listener of new connections threw', { address: wire.remoteAddress, error });
      }
    }
    return connection.events;
  }

  #connectionClosed(connection: AcceptedConnection, reason: CloseReason): void {
    this.#connections.delete(connection);
    if (reason.kind === 'closed') return;
    const { remoteAddress: address } = connection;
    if (reason.kind === 'invalid') {
      this.#invalidFrames++;
      this.#peerWarnings.warn('closed a connection for what it sent', address, reason.error);
    } else if (reason.kind === 'connect failed') {
      this.#peerWarnings.warn('a TLS handshake failed', address, reason.error);
    } else {
      this.#logger.debug('connection closed', { address, why: reason.what });
    }
  }

  #turnEnded(): void {
    for (const listener of this.#turnEndListeners) {
      try {
        listener();
      } catch (error) {
        this.#logger.error('a listener of ended turns threw', { error });
      }
    }
  }

  #promised(change: 1 | -1): void {
    this.#promises += change;
    if (this.#promises === 0) this.#onPromisesKept?.();
  }

  async #close(): Promise<void> {
    // Set before anything happens, so that connections that come now are refused.
    await Promise.resolve();
    const connections = [...this.#connections];
    for (const connection of connections) connection.stop();
    const timeout = this.#startTimeout();
    const promisesKept = new Promise<void>((resolve) => {
      this.#onPromisesKept = resolve;
    });
    if (this.#promises > 0) await Promise.race([promisesKept, timeout.passed]);
    for (const connection of connections) connection.end('the server closes');
    await Promise.race([Promise.all(connections.map((connection) => connection.wireClosed)), timeout.passed]);
    for (const connection of connections) connection.destroy('the server closes');
    timeout.cancel();
    await this.#listener?.close();
  }

  #startTimeout(): { readonly passed: Promise<void>; cancel(): void } {
    let cancel = (): void => {};
    const passed = new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(this.#options.closeTimeoutMs ?? 1_000, resolve, { ref: true });
      cancel = () => timer.cancel();
    });
    return { passed, cancel };
  }
}

const REFUSED: WireEvents = { data: () => {}, closed: () => {} };

function connectionSettings(options: RemotingServerSettings, clock: Clock, logger: Logger): ConnectionSettings {
  return {
    side: 'server',
    clock,
    deadlines: new DeadlineHeap(clock),
    logger,
    serializeType: options.headerEncoding === 'rocketmq' ? SerializeType.ROCKETMQ : SerializeType.JSON,
    language: options.language ?? LanguageCode.JAVA,
    version: options.version ?? OWN_VERSION,
    frameSizeBytesMax: options.frameSizeBytesMax ?? FRAME_SIZE_BYTES_MAX,
    idleTimeoutMs: options.idleTimeoutMs ?? 120_000,
    pendingIsNotIdle: false,
    silenceMsMax: Number.POSITIVE_INFINITY,
    firstOpaque: 0,
  };
}
