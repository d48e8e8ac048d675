import { rocketMQError } from '../errors/rocketmq-error.js';
import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import type { SendContext } from './context.js';
import { requireOrder } from './gap-order.js';
import {
  type ContextAfter,
  type ContextBefore,
  type InterceptorOrder,
  type ProducerFacts,
  type SendAttachment,
  type SendInterceptor,
  STAGE_NAMES,
  type StageName,
} from './interceptor.js';

/** Makes the interceptor of one producer when its chain is composed; undefined leaves that producer alone. */
export type CreateInterceptor<C extends SendContext> = (producer: ProducerFacts) => SendInterceptor<C> | undefined;

/** An interceptor in the gap before a stage. */
export interface AttachBefore<S extends keyof ContextBefore> {
  readonly before: S;
  readonly after?: never;
  readonly order?: InterceptorOrder;
  readonly create: CreateInterceptor<ContextBefore[S]>;
}

/** An interceptor in the gap after a stage. */
export interface AttachAfter<S extends keyof ContextAfter> {
  readonly after: S;
  readonly before?: never;
  readonly order?: InterceptorOrder;
  readonly create: CreateInterceptor<ContextAfter[S]>;
}

/**
 * Attaches an interceptor to every producer's pipeline; the gap decides what its context shows and what `with` may change.
 * @example
 * host.interceptSend({
 *   before: 'send',
 *   create: () => (context, next) => settled(next(context), { error: () => failures.add(1) }),
 * });
 */
export type InterceptSend = (spec: AttachSend) => void;

/**
 * One of all gaps. A union and no overloads: the gap's name then types the context also where the interceptor is made by a
 * function that has to find its types out, such as `fromAsync`.
 */
export type AttachSend =
  | { readonly [S in keyof ContextBefore]: AttachBefore<S> }[keyof ContextBefore]
  | { readonly [S in keyof ContextAfter]: AttachAfter<S> }[keyof ContextAfter];

/** What `interceptSend` was called with, its types forgotten. */
export interface AttachSpec {
  readonly before?: StageName | undefined;
  readonly after?: StageName | undefined;
  readonly order?: InterceptorOrder | undefined;
  readonly create: SendAttachment['create'];
}

const INTERCEPT_SEND: OptionNames = {
  of: 'host.interceptSend',
  names: new Set(['before', 'after', 'order', 'create'] satisfies (keyof AttachSpec)[]),
};

/** @throws RMQ_OPTIONS_INVALID for what the compiler refuses */
export function toAttachment(plugin: string, spec: AttachSpec): SendAttachment {
  requireKnown(spec, INTERCEPT_SEND);
  if ((spec.before === undefined) === (spec.after === undefined)) {
    throw invalid('before', `Plugin ${plugin}: interceptSend takes either before or after`);
  }
  if (typeof spec.create !== 'function') throw invalid('create', `Plugin ${plugin}: interceptSend needs create`);
  requireOrder('interceptSend', spec.order);
  return { plugin, beforeStage: stageBehindGap(plugin, spec), order: spec.order, create: spec.create };
}

function stageBehindGap(plugin: string, spec: AttachSpec): StageName {
  const name = spec.before ?? spec.after;
  const index = STAGE_NAMES.indexOf(name as StageName);
  const stage = index < 0 ? undefined : STAGE_NAMES[spec.before === undefined ? index + 1 : index];
  if (stage !== undefined) return stage;
  const option = spec.before === undefined ? 'after' : 'before';
  const why = index < 0 ? `${String(name)} is no stage of ${STAGE_NAMES.join(', ')}` : `nothing comes after ${name}`;
  throw invalid(option, `Plugin ${plugin}: ${why}`);
}

function invalid(option: string, message: string) {
  return rocketMQError('RMQ_OPTIONS_INVALID', message, { option: `interceptSend.${option}` });
}
