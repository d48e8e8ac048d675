import type { Logger } from '../runtime/logger.js';
import { isPromiseLike, systemError } from './answers.js';
import { type CloseReason, Connection, type ConnectionOwner, type ConnectionSettings } from './connection.js';
import { CommandFlag, type OutgoingCommand, type RemotingCommand } from './protocol/remoting-command.js';
import type { OutgoingResponse, RequestProcessor, ServerConnection } from './remoting-server.js';
import type { Wire, WireEvents } from './transport.js';

/** What a client's connection needs of its server. None of these throws. */
export interface ServerConnectionHost {
  readonly settings: ConnectionSettings;
  readonly logger: Logger;
  readonly unsentBytesMax: number;
  processorOf(code: number): RequestProcessor;
  /** A turn, or a part of a long one. */
  turnEnded(): void;
  connectionClosed(connection: AcceptedConnection, reason: CloseReason): void;
  cameLate(): void;
  /** A processor promised an answer (1), or has kept or broken the promise (-1). */
  promised(change: 1 | -1): void;
}

/**
 * After so many requests of a turn their answers leave, and each further part of it is twice as long: a client that waits
 * has work while the rest of the turn is done, and a long turn costs few writes more. A turn of 32 that leaves whole has
 * client and server wait for each other: 48,700 messages a second, in parts 71,000 to 90,000 (bench/versus-apache.mjs, 2 cores).
 */
const FIRST_PART_REQUESTS = 16;

let lastId = 0;

/**
 * A client's connection: gives each request to its processor and takes the answers. When the client does not read them,
 * requests wait here unprocessed and nothing more is read, so that a slow reader costs a bounded amount of memory.
 */
export class AcceptedConnection implements ServerConnection, ConnectionOwner {
  readonly id = ++lastId;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #host: ServerConnectionHost;
  readonly #connection: Connection;
  readonly #closeListeners = new Set<() => void>();
  /** Requests that were read before it was known that the client does not take its answers. */
  #backlog: RemotingCommand[] = [];
  #stopped = false;
  /** Requests of this turn's part so far, and how many it may have. */
  #partRequests = 0;
  #partRequestsMax = FIRST_PART_REQUESTS;

  constructor(wire: Wire, host: ServerConnectionHost) {
    this.#host = host;
    this.remoteAddress = wire.remoteAddress;
    this.localAddress = wire.localAddress;
    this.#connection = new Connection(wire.remoteAddress, host.settings, this);
    this.#connection.attach(wire);
  }

  get events(): WireEvents {
    return this.#connection.events;
  }

  get wireClosed(): Promise<void> {
    return this.#connection.wireClosed;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  /** Half of what {@link oneway} is dropped behind: room for those who asked this to send some more. */
  get lagging(): boolean {
    return this.#connection.unsentBytes > this.#host.unsentBytesMax / 2;
  }

  onClose(listener: () => void): () => void {
    if (this.closed) {
      listener();
      return () => {};
    }
    this.#closeListeners.add(listener);
    return () => void this.#closeListeners.delete(listener);
  }

  invoke(request: OutgoingCommand, { timeoutMs }: { readonly timeoutMs: number }): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      this.#connection.start(request, timeoutMs, false, {
        onResponse: (response) => resolve(response!),
        onFailure: reject,
      });
    });
  }

  oneway(request: OutgoingCommand): void {
    if (this.closed) return;
    if (this.#overfull) {
      this.#host.logger.debug('a notification was dropped: the client does not read', { address: this.remoteAddress });
      return;
    }
    this.#connection.notify(request);
  }

  close(): void {
    this.end('the server closed it');
  }

  /** Processes nothing more; answers still leave. */
  stop(): void {
    this.#stopped = true;
    this.#backlog = [];
  }

  end(what: string): void {
    this.#connection.end({ kind: 'closed', what });
  }

  destroy(what: string): void {
    this.#connection.destroy({ kind: 'closed', what });
  }

  // What the connection tells

  onRequest(request: RemotingCommand): void {
    if (this.#stopped) return;
    if (this.#backlog.length > 0 || this.#overfull) {
      if (this.#backlog.length === 0) this.#connection.pause();
      this.#backlog.push(request);
      return;
    }
    this.#process(request);
    if (++this.#partRequests === this.#partRequestsMax) this.#endPart();
  }

  onTurnEnd(): void {
    this.#partRequests = 0;
    this.#partRequestsMax = FIRST_PART_REQUESTS;
    this.#host.turnEnded();
  }

  onDrained(): void {
    if (this.#backlog.length === 0) return;
    this.#connection.turn(() => {
      let next = 0;
      while (next < this.#backlog.length && !this.#overfull && !this.closed) this.#process(this.#backlog[next++]!);
      this.#backlog = this.#backlog.slice(next);
    });
    if (this.#backlog.length === 0) this.#connection.resume();
  }

  onClosed(_connection: Connection, reason: CloseReason): void {
    this.#backlog = [];
    for (const listener of this.#closeListeners) {
      try {
        listener();
      } catch (error) {
        this.#host.logger.error('a close listener threw', { address: this.remoteAddress, error });
      }
    }
    this.#closeListeners.clear();
    this.#host.connectionClosed(this, reason);
  }

  onLateResponse(): void {
    this.#host.cameLate();
  }

  #endPart(): void {
    this.#partRequests = 0;
    this.#partRequestsMax *= 2;
    this.#host.turnEnded();
    this.#connection.flushHeld();
  }

  get #overfull(): boolean {
    return this.#connection.unsentBytes > this.#host.unsentBytesMax;
  }

  #process(request: RemotingCommand): void {
    let answered = false;
    const respond = (response: OutgoingResponse): void => {
      if (answered) {
        const fields = { address: this.remoteAddress, code: request.code };
        this.#host.logger.error('a request was answered twice; the second answer is dropped', fields);
        return;
      }
      answered = true;
      this.#connection.answer(request, response);
    };
    try {
      const answer = this.#host.processorOf(request.code)(request, this, respond);
      if (answer === undefined || answer === 'later') return;
      if (isPromiseLike(answer)) void this.#awaitAnswer(answer, request, respond);
      else respond(answer);
    } catch (error) {
      this.#fail(error, request, respond);
    }
  }

  async #awaitAnswer(
    promised: PromiseLike<OutgoingResponse>,
    request: RemotingCommand,
    respond: (response: OutgoingResponse) => void,
  ): Promise<void> {
    this.#host.promised(1);
    try {
      respond(await promised);
    } catch (error) {
      this.#fail(error, request, respond);
    } finally {
      this.#host.promised(-1);
    }
  }

  #fail(error: unknown, request: RemotingCommand, respond: (response: OutgoingResponse) => void): void {
    const oneway = (request.flag & CommandFlag.ONEWAY) !== 0;
    this.#host.logger.warn('a request could not be processed', {
      address: this.remoteAddress,
      code: request.code,
      oneway,
      error,
    });
    respond(systemError(error));
  }
}
