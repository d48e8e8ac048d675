import { isObservable, throwError } from 'rxjs';
import { isRocketMQError, type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import { GuardedObservable, guardedSubscriber } from '../runtime/guarded-subscriber.js';
import { isBytes } from '../runtime/is-bytes.js';
import type { Logger } from '../runtime/logger.js';
import { watchRejection } from '../runtime/watch-rejection.js';
import type { ExtInput, OutgoingCommand, RemotingCommand } from './protocol/remoting-command.js';
import type { PendingRequest, RequestObserver } from './remoting-client.js';
import type { RequestContext, RequestHandler, RequestInterceptor, RequestInterceptors } from './request-interceptor.js';

/** Where a context says which call it is of. */
export const CALL = Symbol('multistage.requestCall');

/** Puts a request on the wire, below all interceptors. */
export type SendRequest = (
  address: string,
  request: OutgoingCommand,
  timeoutMs: number,
  oneway: boolean,
  observer: RequestObserver,
) => PendingRequest;

/** What is known of a call while it passes through the chain. */
export interface Call {
  readonly deadlineMs: number;
  inner: PendingRequest | undefined;
  /** How many layers were subscribed: each is once. */
  entered: number;
  /** The plugin that has it; undefined while the server does. */
  heldBy: string | undefined;
}

/** Told what a plugin throws when nobody can be told any more. */
type Complain = (plugin: string | undefined, error: unknown) => void;

export interface CallContext extends RequestContext {
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
  return layers.reduceRight<RequestHandler>(
    (next, _, index) => labelled(layers, index, next, complain),
    sendOnce(layers, send, monotonic, complain),
  );
}

interface Layer {
  readonly plugin: string;
  readonly interceptor: RequestInterceptor;
}

/**
 * The call that a context belongs to; the layer at this depth is entered now.
 * @throws RMQ_PIPELINE_MISUSE naming the plugin that enters it
 */
function enter(context: RequestContext, depth: number, plugin: string): Call {
  const call = (context as Partial<CallContext>)?.[CALL];
  if (call === undefined) throw misuse(plugin, 'a context is derived by spreading the one that was handed in');
  if (context.body !== undefined && !isBytes(context.body)) throw misuse(plugin, 'the body of a request is bytes');
  if (call.entered > depth) throw misuse(plugin, 'a request is sent once');
  call.entered = depth + 1;
  return call;
}

/** The innermost handler: its Observable puts the request on the wire when it is subscribed. */
function sendOnce(
  layers: readonly Layer[],
  send: SendRequest,
  monotonic: () => number,
  complain: Complain,
): RequestHandler {
  // The plugin that gets the answer first; without any nobody comes here.
  const innermost = layers.at(-1)?.plugin ?? '';
  return (context) =>
    new GuardedObservable<RemotingCommand | undefined>(
      (thrown) => complain(innermost, thrown),
      (subscriber) => {
        const call = enter(context, layers.length, innermost);
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

/** One interceptor, held to the contract: one value, and errors under its name. */
function labelled(layers: readonly Layer[], index: number, next: RequestHandler, complain: Complain): RequestHandler {
  const { plugin, interceptor } = layers[index]!;
  /** The plugin around this one, which gets what comes out of it. */
  const outer = layers[index - 1]?.plugin;
  const label = (error: unknown): RocketMQError => {
    if (isRocketMQError(error)) return error;
    const what = error instanceof Error ? error.message : String(error);
    const message = `the request interceptor of plugin ${plugin} failed: ${what}`;
    return rocketMQError('RMQ_PLUGIN_FAILED', message, { plugin }, { cause: error });
  };
  return (context) => {
    const call = (context as Partial<CallContext>)?.[CALL];
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
        enter(context, index, outer ?? plugin);
        let values = 0;
        let answer: RemotingCommand | undefined;
        const observer = {
          next(value: RemotingCommand | undefined) {
            values++;
            answer = value;
          },
          error(error: unknown) {
            hold(outer);
            subscriber.error(label(error));
          },
          complete() {
            const rule = brokenBy(values, answer, context.oneway);
            if (rule !== undefined) {
              subscriber.error(misuse(plugin, rule));
              return;
            }
            hold(outer);
            subscriber.next(answer);
            subscriber.complete();
          },
        };
        return observable.subscribe(guardedSubscriber([observer], report, report));
      },
    );
  };
}

function brokenBy(values: number, answer: unknown, oneway: boolean): string | undefined {
  if (values !== 1) return `a request ends in one value, not in ${values}`;
  return oneway || isAnswer(answer) ? undefined : 'a request ends in a response, with code, ext and body';
}

function isAnswer(value: unknown): value is RemotingCommand {
  if (typeof value !== 'object' || value === null) return false;
  const { code, body } = value as Partial<RemotingCommand>;
  // A copy that was made by spreading a response has no `ext`, which is not asked for here: that would decode all fields.
  return typeof code === 'number' && isBytes(body) && 'ext' in value;
}

function misuse(interceptor: string, rule: string): RocketMQError {
  const message = `the request interceptor of plugin ${interceptor} broke the contract: ${rule}`;
  return rocketMQError('RMQ_PIPELINE_MISUSE', message, { interceptor, rule });
}
