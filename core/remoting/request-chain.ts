import { isObservable, throwError } from 'rxjs';
import { isRocketMQError, type RocketMQError, rocketMQError, saySent } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';
import type { DeadlineEntry } from '../runtime/deadline-entry.js';
import type { DeadlineHeap } from '../runtime/deadline-heap.js';
import { queueMicrotask } from '../runtime/event-loop.js';
import { GuardedObservable, guardedSubscriber } from '../runtime/guarded-subscriber.js';
import type { Logger } from '../runtime/logger.js';
import { watchRejection } from '../runtime/watch-rejection.js';
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
  /** The plugin that has it; undefined while the server does. */
  heldBy: string | undefined;
}

/** Told what a plugin throws when nobody can be told any more. */
type Complain = (plugin: string | undefined, error: unknown) => void;

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
  logger: Logger,
): RequestHandler {
  const layers = [...interceptors.decorate, ...(interceptors.sign ? [interceptors.sign] : [])];
  const complain: Complain = (plugin, error) =>
    logger.error('an interceptor of requests threw where nobody could be told', { plugin, error });
  const names = layers.map((layer) => layer.plugin).join(', ');
  return layers.reduceRight<RequestHandler>(
    (next, { plugin, interceptor }, index) => labelled(plugin, interceptor, next, layers[index - 1]?.plugin, complain),
    sendOnce(names, layers.at(-1)?.plugin, send, monotonic, complain),
  );
}

/**
 * The innermost handler: its Observable puts the request on the wire when it is subscribed.
 * @param innermost the plugin that gets the answer first
 */
function sendOnce(
  names: string,
  innermost: string | undefined,
  send: SendRequest,
  monotonic: () => number,
  complain: Complain,
): RequestHandler {
  return (context) =>
    new GuardedObservable<RemotingCommand | undefined>(
      (thrown) => complain(innermost, thrown),
      (subscriber) => {
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
        call.heldBy = undefined;
        const inner = send(address, { code, ext, body, remark }, call.deadlineMs - monotonic(), oneway, {
          onResponse(response) {
            call.heldBy = innermost;
            subscriber.next(response);
            subscriber.complete();
          },
          onFailure(error) {
            call.heldBy = innermost;
            subscriber.error(error);
          },
        });
        call.inner = inner;
        return () => inner.cancel();
      },
    );
}

/** @param outer the plugin around this one, which gets what comes out of it */
function labelled(
  plugin: string,
  interceptor: RequestInterceptor,
  next: RequestHandler,
  outer: string | undefined,
  complain: Complain,
): RequestHandler {
  const label = (error: unknown): RocketMQError => {
    if (isRocketMQError(error)) return error;
    const what = error instanceof Error ? error.message : String(error);
    const message = `the request interceptor of plugin ${plugin} failed: ${what}`;
    return rocketMQError('RMQ_PLUGIN_FAILED', message, { plugin }, { cause: error });
  };
  return (context) => {
    const call = (context as Partial<CallContext>)[CALL];
    const hold = (holder: string | undefined): void => {
      if (call !== undefined) call.heldBy = holder;
    };
    hold(plugin);
    let returned: unknown;
    try {
      returned = interceptor(context, next);
    } catch (error) {
      return throwError(() => label(error));
    }
    if (!isObservable(returned)) {
      watchRejection(returned, () => {});
      return throwError(() => label(new TypeError('it returns an Observable')));
    }
    const observable = returned as ReturnType<RequestHandler>;
    const report = (thrown: unknown): void => complain(plugin, thrown);
    return new GuardedObservable<RemotingCommand | undefined>(
      (thrown) => complain(outer, thrown),
      (subscriber) => {
        const observer = {
          next(response: RemotingCommand | undefined) {
            hold(outer);
            subscriber.next(response);
          },
          error(error: unknown) {
            hold(outer);
            subscriber.error(label(error));
          },
          complete: () => subscriber.complete(),
        };
        return observable.subscribe(guardedSubscriber([observer], report, report));
      },
    );
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
    this.#call = { deadlineMs: this.deadlineMs, inner: undefined, heldBy: undefined };
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
