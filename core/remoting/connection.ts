import { isRocketMQError, type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';
import type { DeadlineHeap } from '../runtime/deadline-heap.js';
import type { Logger } from '../runtime/logger.js';
import { systemError } from './answers.js';
import { IdleWatch } from './idle-watch.js';
import { COPIED_BODY_BYTES_MAX, type OutgoingFrame, sizeOf, UnheardFrame } from './outgoing-frame.js';
import {
  type PeerKind,
  peerKindOf,
  RECOGNITION_BYTES,
  recognisePeer,
  recogniseSilence,
  SILENT_PEER_ADVICE,
  type Side,
  type Stranger,
  WORDLESS_CLOSE_ADVICE,
} from './peer-recognition.js';
import { failedStart, PendingCommand, type PendingOwner } from './pending-command.js';
import { PendingTable } from './pending-table.js';
import { FrameDecoder } from './protocol/frame-decoder.js';
import { encodeCommand } from './protocol/frame-encoder.js';
import { leave } from './protocol/frame-memory.js';
import {
  CommandFlag,
  type OutgoingCommand,
  type RemotingCommand,
  type SerializeType,
} from './protocol/remoting-command.js';
import type { PendingRequest, RequestObserver } from './remoting-client.js';
import type { OutgoingResponse } from './remoting-server.js';
import type { Wire, WireEvents } from './transport.js';
import { WriteQueue } from './write-queue.js';

/** What the connections of one client or server have in common. */
export interface ConnectionSettings {
  readonly side: Side;
  readonly clock: Clock;
  readonly deadlines: DeadlineHeap;
  readonly logger: Logger;
  /** How the headers of our own requests are written; answers follow the request. */
  readonly serializeType: SerializeType;
  readonly language: number;
  readonly version: number;
  readonly frameSizeBytesMax: number;
  readonly idleTimeoutMs: number;
  /** Whether a connection with requests of ours pending is never idle. */
  readonly pendingIsNotIdle: boolean;
  /** Closes a connection on which a request timed out when nothing at all was heard for this long. Infinity: never. */
  readonly silenceMsMax: number;
  /** Opaque of a connection's first request; wraps after 2^31 - 1. */
  readonly firstOpaque: number;
}

/** Who a connection belongs to. None of these may throw. */
export interface ConnectionOwner {
  /** A request of the peer's own. */
  onRequest(request: RemotingCommand, connection: Connection): void;
  /** The frames of one chunk have been handed out; what is written now still leaves with their answers. */
  onTurnEnd?(): void;
  /** The peer has taken all that it was slow to take. */
  onDrained?(): void;
  /** Called once, before the pending requests are told. */
  onClosed(connection: Connection, reason: CloseReason): void;
  /** A response came that nobody waits for. */
  onLateResponse(): void;
}

/** Why a connection is closed. */
export type CloseReason =
  /** The peer closed it, or the network did. */
  | { readonly kind: 'lost'; readonly what: string; readonly cause?: unknown }
  /** It was never established, or TLS refused it. */
  | { readonly kind: 'connect failed'; readonly error: RocketMQError }
  /** The peer sent what is no frame. */
  | { readonly kind: 'invalid'; readonly error: RocketMQError }
  /** Nothing was heard of it for long. */
  | { readonly kind: 'idle'; readonly what: string }
  /** This side wanted it. */
  | { readonly kind: 'closed'; readonly what: string };

/**
 * Commands both ways over one wire: our requests with the table of those that wait for an answer, and the peer's
 * requests with our answers. It takes requests before its wire is attached; they leave when it is.
 */
export class Connection implements PendingOwner {
  readonly address: string;
  /** What the wire reports to. */
  readonly events: WireEvents;
  /** Resolves when the wire is gone; at once when the connection ends before it had one. */
  readonly wireClosed: Promise<void>;
  readonly #settings: ConnectionSettings;
  readonly #owner: ConnectionOwner;
  readonly #decoder: FrameDecoder;
  readonly #queue: WriteQueue;
  readonly #pending = new PendingTable();
  readonly #oneways = new Set<PendingCommand>();
  #wire: Wire | undefined;
  #closed = false;
  #lastOpaque: number;
  #opaqueWrapped = false;
  /** The beginning of what the peer says, until there is enough of it to know what it speaks. */
  #firstBytes: Buffer | undefined = Buffer.alloc(0);
  /** What the peer is, by the first request of ours that it answered. */
  #peerKind: PeerKind | undefined;
  /** When the first write was made after which nothing has been heard; -1 when there is none. */
  #silentSinceMs = -1;
  #idleWatch: IdleWatch | undefined;
  #reportWireClosed: () => void = () => {};

  constructor(address: string, settings: ConnectionSettings, owner: ConnectionOwner) {
    this.address = address;
    this.#settings = settings;
    this.#owner = owner;
    this.#lastOpaque = (settings.firstOpaque - 1) | 0;
    this.#queue = new WriteQueue((ahead) => this.#onWrite(ahead));
    this.#decoder = new FrameDecoder({
      frameSizeBytesMax: settings.frameSizeBytesMax,
      onCommand: (command) => this.#onCommand(command),
    });
    this.wireClosed = new Promise((resolve) => {
      this.#reportWireClosed = resolve;
    });
    this.events = {
      data: (chunk) => this.#onData(chunk),
      drained: () => this.#onDrained(),
      closed: (error) => this.#onWireClosed(error),
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  get connected(): boolean {
    return this.#wire !== undefined && !this.#closed;
  }

  /** Whether it ever was connected. */
  get wasConnected(): boolean {
    return this.#wire !== undefined;
  }

  /** Requests of ours that have not ended. */
  get inFlight(): number {
    return this.#pending.size + this.#oneways.size;
  }

  /** Bytes that the peer has not taken from us. */
  get unsentBytes(): number {
    return this.#queue.unsentBytes;
  }

  /** The wire is connected: what waits leaves now. */
  attach(wire: Wire): void {
    this.#wire = wire;
    this.#idleWatch = new IdleWatch(this.#settings.clock, this.#settings.idleTimeoutMs, () => this.#onIdle());
    this.#queue.attach(wire);
  }

  /** Starts a request; `observer` hears how it ends, never before this returns. */
  start(
    request: OutgoingCommand,
    timeoutMs: number,
    oneway: boolean,
    observer: RequestObserver,
    nowMs = this.#settings.clock.monotonic(),
  ): PendingRequest {
    if (this.#closed) return failedStart(this.#lostError('it is closed', 'no'), observer);
    const opaque = this.#nextOpaque();
    const deadlineMs = nowMs + timeoutMs;
    const pending = new PendingCommand(this, opaque, request.code, oneway, timeoutMs, deadlineMs, observer);
    try {
      this.#encode(pending, request, opaque, oneway ? CommandFlag.ONEWAY : 0, this.#settings.serializeType);
    } catch (error) {
      return failedStart(error as RocketMQError, observer);
    }
    if (oneway) this.#oneways.add(pending);
    else this.#pending.add(pending);
    this.#settings.deadlines.add(pending);
    this.#queue.add(pending);
    return pending;
  }

  /** Sends a oneway request whose fate interests nobody. @throws RMQ_FRAME_INVALID when it is too large */
  notify(request: OutgoingCommand): void {
    if (this.#closed) return;
    const frame = new UnheardFrame();
    this.#encode(frame, request, this.#nextOpaque(), CommandFlag.ONEWAY, this.#settings.serializeType);
    this.#queue.add(frame);
  }

  /**
   * Answers a request of the peer's, in that request's header encoding; a oneway request is never answered. An answer
   * that cannot be written, because it is too large, becomes a SYSTEM_ERROR that says so.
   */
  answer(request: RemotingCommand, response: OutgoingResponse): void {
    if (this.#closed || (request.flag & CommandFlag.ONEWAY) !== 0) return;
    const frame = new UnheardFrame();
    frame.bodyParts = response.bodyParts;
    try {
      this.#encode(frame, response, request.opaque, CommandFlag.RESPONSE, request.serializeType);
    } catch (error) {
      this.#settings.logger.error('an answer could not be written', {
        address: this.address,
        code: request.code,
        error,
      });
      frame.bodyParts = undefined;
      this.#encode(frame, systemError(error), request.opaque, CommandFlag.RESPONSE, request.serializeType);
    }
    this.#queue.add(frame);
  }

  /** Runs `work` so that all it writes leaves in one write at its end. */
  turn(work: () => void): void {
    const outermost = this.#queue.hold();
    try {
      work();
    } finally {
      if (outermost) {
        this.#owner.onTurnEnd?.();
        this.#queue.release();
      }
    }
  }

  /** Within a turn: what was written so far leaves now. */
  flushHeld(): void {
    this.#queue.flushHeld();
  }

  /** Stops and resumes reading. */
  pause(): void {
    this.#wire?.pause();
  }

  resume(): void {
    this.#wire?.resume();
  }

  /** Closes after what waits has been handed over; takes nothing more. */
  end(reason: CloseReason): void {
    if (this.#closed) return;
    this.#queue.flush();
    this.#shutDown(reason);
    this.#wire?.end();
  }

  /** Closes at once. */
  destroy(reason: CloseReason): void {
    this.#shutDown(reason);
    this.#wire?.destroy();
  }

  // What pending commands tell

  abandon(pending: PendingCommand): void {
    this.#settle(pending);
  }

  expire(pending: PendingCommand): void {
    const { sent, timeoutMs } = pending;
    this.#settle(pending);
    const { address } = this;
    const { what, advice } = this.#unanswered(pending);
    const message = `no answer from ${address} within ${timeoutMs} ms${what && `; it ${what}`}`;
    const hint = advice === undefined ? {} : { hint: advice };
    this.#tellFailure(pending, rocketMQError('RMQ_REQUEST_TIMEOUT', message, { address, timeoutMs, sent }, hint));
    const { clock, silenceMsMax } = this.#settings;
    if (this.#closed || this.#silentSinceMs < 0) return;
    const silentMs = Math.round(clock.monotonic() - this.#silentSinceMs);
    if (silentMs >= silenceMsMax) this.destroy({ kind: 'lost', what: `nothing was heard for ${silentMs} ms` });
  }

  handedOver(pending: PendingCommand, error: Error | undefined): void {
    if (pending.settled) return;
    this.#settle(pending);
    if (error) this.#tellFailure(pending, this.#lostError(error.message, 'maybe', error));
    else this.#tellResponse(pending, undefined);
  }

  /** What is known of a peer that did not answer a request, as in "it …". */
  #unanswered({ sent, code }: PendingCommand): { readonly what: string; readonly advice?: string } {
    if (this.#wire === undefined) return { what: 'is not connected yet' };
    if (sent === 'no') return { what: 'does not read what waits' };
    if (this.#neverHeard) return { what: 'has never said anything', advice: SILENT_PEER_ADVICE };
    const stranger = this.#peerKind && recogniseSilence(code, this.#peerKind);
    return stranger ? { what: `looks like ${stranger.what}`, advice: stranger.advice } : { what: '' };
  }

  // What the wire reports

  #onData(chunk: Buffer): void {
    if (this.#closed) return;
    this.#idleWatch?.touch(this.#settings.clock.monotonic());
    this.#silentSinceMs = -1;
    let invalid: unknown;
    this.turn(() => {
      try {
        if (this.#firstBytes !== undefined) this.#recognise(this.#firstBytes, chunk);
        this.#decoder.push(chunk);
      } catch (error) {
        invalid = error;
      }
    });
    if (invalid !== undefined) this.destroy({ kind: 'invalid', error: this.#invalidError(invalid) });
  }

  #onDrained(): void {
    if (this.#closed) return;
    this.#idleWatch?.touch(this.#settings.clock.monotonic());
    this.#queue.onDrained();
    this.#owner.onDrained?.();
  }

  #onWireClosed(error: Error | undefined): void {
    this.#shutDown(this.#reasonOf(error));
    this.#reportWireClosed();
  }

  #reasonOf(error: Error | undefined): CloseReason {
    if (isRocketMQError(error, 'RMQ_CONNECT_FAILED')) return { kind: 'connect failed', error };
    if (isRocketMQError(error, 'RMQ_FRAME_INVALID')) return { kind: 'invalid', error };
    const inside = this.#decoder.bufferedBytes > 0 ? ' in the middle of a frame' : '';
    const wordless = this.#neverHeard ? ' without having said anything' : inside;
    const what = error ? `${error.message}${inside}` : `the other side closed it${wordless}`;
    return { kind: 'lost', what, ...(error && { cause: error }) };
  }

  /** Whether this client has a connection on which the server has not said one byte. */
  get #neverHeard(): boolean {
    return this.#settings.side === 'client' && this.#wire !== undefined && this.#firstBytes?.length === 0;
  }

  #onCommand(command: RemotingCommand): void {
    if (this.#closed) return;
    if ((command.flag & CommandFlag.RESPONSE) === 0) {
      this.#owner.onRequest(command, this);
      return;
    }
    const pending = this.#pending.get(command.opaque);
    if (pending === undefined) {
      this.#owner.onLateResponse();
      return;
    }
    this.#settle(pending);
    this.#peerKind ??= peerKindOf(pending.code, command.code);
    this.#tellResponse(pending, command);
  }

  #onWrite(ahead: number): void {
    const nowMs = this.#settings.clock.monotonic();
    if (this.#silentSinceMs < 0) this.#silentSinceMs = nowMs;
    // Bytes that only join others in front of a peer that does not read are no sign of life.
    if (ahead === 0) this.#idleWatch?.touch(nowMs);
  }

  #onIdle(): void {
    if (this.#settings.pendingIsNotIdle && this.inFlight > 0) return;
    this.destroy({ kind: 'idle', what: `nothing passed for ${this.#settings.idleTimeoutMs} ms` });
  }

  #shutDown(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#idleWatch?.close();
    this.#decoder.stop();
    this.#queue.close();
    if (this.#wire === undefined) this.#reportWireClosed();
    this.#owner.onClosed(this, reason);
    for (const table of [this.#pending.list(this.#lastOpaque), this.#oneways]) {
      for (const pending of table) {
        this.#settle(pending);
        this.#tellFailure(pending, this.#closeError(reason, pending.sent));
      }
    }
  }

  /** Takes a request out of every table: it has ended. */
  #settle(pending: PendingCommand): void {
    pending.settled = true;
    if (pending.oneway) this.#oneways.delete(pending);
    else this.#pending.remove(pending);
    this.#settings.deadlines.remove(pending);
    if (!pending.written) this.#queue.takeBack(pending);
  }

  #tellResponse(pending: PendingCommand, response: RemotingCommand | undefined): void {
    try {
      pending.observer.onResponse(response);
    } catch (error) {
      this.#settings.logger.error('the observer of a request threw', { address: this.address, error });
    }
  }

  #tellFailure(pending: PendingCommand, failure: RocketMQError): void {
    try {
      pending.observer.onFailure(failure);
    } catch (error) {
      this.#settings.logger.error('the observer of a request threw', { address: this.address, error });
    }
  }

  #nextOpaque(): number {
    let opaque = (this.#lastOpaque + 1) | 0;
    if (opaque < this.#lastOpaque) this.#opaqueWrapped = true;
    if (this.#opaqueWrapped) while (this.#pending.has(opaque)) opaque = (opaque + 1) | 0;
    this.#lastOpaque = opaque;
    return opaque;
  }

  #encode(
    frame: OutgoingFrame,
    command: OutgoingCommand,
    opaque: number,
    flag: number,
    serializeType: SerializeType,
  ): void {
    const { version, language, frameSizeBytesMax } = this.#settings;
    const { body } = command;
    let bodyLength = body === undefined ? 0 : body.length;
    if (frame.bodyParts !== undefined) for (const part of frame.bodyParts) bodyLength += part.length;
    const copied = bodyLength <= COPIED_BODY_BYTES_MAX && frame.bodyParts === undefined ? body : undefined;
    encodeCommand(command, opaque, flag, version, language, serializeType, bodyLength, copied, frame);
    frame.body = copied === undefined && frame.bodyParts === undefined && bodyLength > 0 ? body : undefined;
    const size = sizeOf(frame);
    if (size > frameSizeBytesMax) {
      leave(frame);
      frame.body = undefined;
      const message = `a frame of ${size} bytes is larger than ${this.address} may be sent: ${frameSizeBytesMax}`;
      throw rocketMQError('RMQ_FRAME_INVALID', message, { address: this.address });
    }
  }

  #recognise(before: Buffer, chunk: Buffer): void {
    const first = Buffer.concat([before, chunk.subarray(0, RECOGNITION_BYTES)]);
    this.#firstBytes = first.length < RECOGNITION_BYTES ? first : undefined;
    const stranger = recognisePeer(first, this.#settings.side);
    if (stranger !== undefined) throw this.#strangerError(stranger);
  }

  #strangerError({ what, advice }: Stranger): RocketMQError {
    const { address } = this;
    const message = `${address} sent bytes that are no remoting frame: it looks like ${what}`;
    return rocketMQError('RMQ_FRAME_INVALID', message, { address }, { hint: advice });
  }

  #invalidError(cause: unknown): RocketMQError {
    const { address } = this;
    if (isRocketMQError(cause, 'RMQ_FRAME_INVALID') && cause.address === address) return cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    const message = `${address} sent bytes that are no remoting frame: ${what}`;
    return rocketMQError('RMQ_FRAME_INVALID', message, { address }, isRocketMQError(cause) ? {} : { cause });
  }

  #closeError(reason: CloseReason, sent: 'no' | 'maybe'): RocketMQError {
    if (reason.kind === 'connect failed' || reason.kind === 'invalid') return reason.error;
    return this.#lostError(reason.what, sent, reason.kind === 'lost' ? reason.cause : undefined);
  }

  #lostError(what: string, sent: 'no' | 'maybe', cause?: unknown): RocketMQError {
    const { address } = this;
    const message = `the connection to ${address} is gone: ${what}`;
    const hint = this.#neverHeard ? { hint: WORDLESS_CLOSE_ADVICE } : {};
    return rocketMQError('RMQ_CONNECTION_LOST', message, { address, sent }, { cause, ...hint });
  }
}
