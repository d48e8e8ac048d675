import { type RocketMQError, rocketMQError, saySent } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';
import type { DeadlineEntry } from '../runtime/deadline-entry.js';
import type { DeadlineHeap } from '../runtime/deadline-heap.js';
import { queueMicrotask } from '../runtime/event-loop.js';
import type { Logger } from '../runtime/logger.js';
import type { OutgoingCommand, RemotingCommand } from './protocol/remoting-command.js';
import type { PendingRequest, RequestObserver } from './remoting-client.js';
import { CALL, type Call, type CallContext } from './request-chain.js';
import type { RequestHandler } from './request-interceptor.js';

/** What an intercepted request needs of its client. */
export interface InterceptedRequestHost {
  readonly clock: Clock;
  readonly deadlines: DeadlineHeap;
  readonly logger: Logger;
  readonly chain: RequestHandler;
  onEnd(ended: InterceptedRequest): void;
}

/** A request that passes through interceptors. It has a deadline of its own, because one of them may never end. */
export class InterceptedRequest implements PendingRequest, DeadlineEntry {
  heapIndex = -1;
  readonly deadlineMs: number;
  readonly #host: InterceptedRequestHost;
  readonly #address: string;
  readonly #timeoutMs: number;
  readonly #observer: RequestObserver;
  readonly #call: Call;
  #unsubscribe: (() => void) | undefined;
  #ended = false;
  #silenced = false;

  constructor(host: InterceptedRequestHost, address: string, timeoutMs: number, observer: RequestObserver) {
    this.#host = host;
    this.#address = address;
    this.#timeoutMs = timeoutMs;
    this.#observer = observer;
    this.deadlineMs = host.clock.monotonic() + timeoutMs;
    this.#call = { deadlineMs: this.deadlineMs, inner: undefined, entered: 0, heldBy: undefined };
  }

  get sent(): 'no' | 'maybe' {
    return this.#call.inner?.sent ?? 'no';
  }

  get heldBy(): string | undefined {
    return this.#call.heldBy;
  }

  start({ code, ext, body, remark }: OutgoingCommand, oneway: boolean): void {
    this.#host.deadlines.add(this);
    const fields = new Map<string, string>();
    for (const name in ext) if (ext[name] !== undefined) fields.set(name, String(ext[name]));
    const context: CallContext = {
      address: this.#address,
      code,
      oneway,
      ext: fields,
      body,
      remark,
      [CALL]: this.#call,
    };
    let value: RemotingCommand | undefined;
    const subscription = this.#host.chain(context).subscribe({
      next: (response) => {
        value = response;
      },
      error: (error: RocketMQError) => this.fail(error),
      complete: () => this.#end(() => this.#observer.onResponse(value)),
    });
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  cancel(): 'no' | 'maybe' {
    this.#silenced = true;
    this.#end(() => {});
    return this.sent;
  }

  onDeadline(): void {
    const { sent, heldBy: plugin } = this;
    const message =
      plugin === undefined
        ? `no answer from ${this.#address} within ${this.#timeoutMs} ms`
        : `plugin ${plugin} did not hand on a request to ${this.#address}, or its answer, within ${this.#timeoutMs} ms`;
    const holder = plugin === undefined ? {} : { plugin };
    const fields = { address: this.#address, timeoutMs: this.#timeoutMs, ...holder, sent };
    this.fail(rocketMQError('RMQ_REQUEST_TIMEOUT', message, fields));
  }

  /** Ends it with an error. */
  fail(error: RocketMQError): void {
    saySent(error, this.sent);
    this.#end(() => this.#observer.onFailure(error));
  }

  #end(tell: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    const { deadlines, logger } = this.#host;
    deadlines.remove(this);
    this.#host.onEnd(this);
    const tellSafely = (): void => {
      if (this.#silenced) return;
      try {
        tell();
      } catch (error) {
        logger.error('the observer of a request threw', { address: this.#address, error });
      }
    };
    // Interceptors may end it while it is being started, and nobody may hear of that before the start has returned.
    if (this.#unsubscribe === undefined) {
      queueMicrotask(tellSafely);
      return;
    }
    this.#unsubscribe();
    tellSafely();
  }
}
