import { catchError, Observable, throwError } from 'rxjs';
import { isRocketMQError, type RocketMQError, rocketMQError, saySent } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';
import type { DeadlineEntry, DeadlineHeap } from '../runtime/deadline-heap.js';
import { queueMicrotask } from '../runtime/event-loop.js';
import type { Logger } from '../runtime/logger.js';
import type { ExtInput, OutgoingCommand, RemotingCommand } from './protocol/remoting-command.js';
import type { PendingRequest, RequestObserver } from './remoting-client.js';
import type { RequestContext, RequestHandler, RequestInterceptor, RequestInterceptors } from './request-interceptor.js';

const CALL = Symbol('multistage.requestCall');

/** Puts a request on the wire, below all interceptors. */
export type SendRequest = (
  address: string,
  request: OutgoingCommand,
  timeoutMs: number,
  oneway: boolean,
  observer: RequestObserver,
) => PendingRequest;

/** What is known of a call while it passes through the chain. */
interface Call {
  readonly deadlineMs: number;
  inner: PendingRequest | undefined;
}

interface CallContext extends RequestContext {
  readonly [CALL]: Call;
}

/**
 * Folds the interceptors into one handler: the decorators in their order, then the signer, then `send`. Done once a
 * client.
 */
export function composeRequestChain(
  interceptors: RequestInterceptors,
  send: SendRequest,
  monotonic: () => number,
): RequestHandler {
  const layers = [...interceptors.decorate, ...(interceptors.sign ? [interceptors.sign] : [])];
  const names = layers.map((layer) => layer.plugin).join(', ');
  return layers.reduceRight<RequestHandler>(
    (next, { plugin, interceptor }) => labelled(plugin, interceptor, next),
    sendOnce(names, send, monotonic),
  );
}

/** The innermost handler: its Observable puts the request on the wire when it is subscribed. */
function sendOnce(names: string, send: SendRequest, monotonic: () => number): RequestHandler {
  return (context) =>
    new Observable((subscriber) => {
      const call = (context as Partial<CallContext>)[CALL];
      if (call === undefined) {
        subscriber.error(misuse(names, 'a context is derived by spreading the one that was handed in'));
        return undefined;
      }
      if (call.inner !== undefined) {
        subscriber.error(misuse(names, 'a request is sent once'));
        return undefined;
      }
      const { address, code, body, remark, oneway } = context;
      const ext: ExtInput = Object.fromEntries(context.ext);
      const inner = send(address, { code, ext, body, remark }, call.deadlineMs - monotonic(), oneway, {
        onResponse(response) {
          subscriber.next(response);
          subscriber.complete();
        },
        onFailure: (error) => subscriber.error(error),
      });
      call.inner = inner;
      return () => inner.cancel();
    });
}

function labelled(plugin: string, interceptor: RequestInterceptor, next: RequestHandler): RequestHandler {
  const label = (error: unknown): RocketMQError => {
    if (isRocketMQError(error)) return error;
    const what = error instanceof Error ? error.message : String(error);
    const message = `the request interceptor of plugin ${plugin} failed: ${what}`;
    return rocketMQError('RMQ_PLUGIN_FAILED', message, { plugin }, { cause: error });
  };
  return (context) => {
    try {
      return interceptor(context, next).pipe(catchError((error) => throwError(() => label(error))));
    } catch (error) {
      return throwError(() => label(error));
    }
  };
}

function misuse(interceptor: string, rule: string): RocketMQError {
  return rocketMQError('RMQ_PIPELINE_MISUSE', `request interceptors (${interceptor}): ${rule}`, { interceptor, rule });
}

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
    this.#call = { deadlineMs: this.deadlineMs, inner: undefined };
  }

  get sent(): 'no' | 'maybe' {
    return this.#call.inner?.sent ?? 'no';
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
    let values = 0;
    let value: RemotingCommand | undefined;
    const subscription = this.#host.chain(context).subscribe({
      next: (response) => {
        values++;
        value = response;
      },
      error: (error: RocketMQError) => this.fail(error),
      complete: () => {
        if (values === 1) this.#end(() => this.#observer.onResponse(value));
        else this.fail(misuse('one of them', `a request ends in one value, not in ${values}`));
      },
    });
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  cancel(): 'no' | 'maybe' {
    this.#silenced = true;
    this.#end(() => {});
    return this.sent;
  }

  onDeadline(): void {
    const { sent } = this;
    const message = `no answer from ${this.#address} within ${this.#timeoutMs} ms`;
    const fields = { address: this.#address, timeoutMs: this.#timeoutMs, sent };
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
