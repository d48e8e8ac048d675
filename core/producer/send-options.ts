import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import type { OperatorOptions, RecallOptions, RequestOptions, SendAllOptions, SendOptions } from './producer.js';

const send = [
  'timeoutMs',
  'attemptTimeoutMs',
  'signal',
  'slots',
  'queue',
  'selector',
  'shardingKey',
] as const satisfies (keyof SendOptions)[];
const many = ['timeoutMs', 'attemptTimeoutMs', 'slots', 'selector', 'concurrency', 'stopOnError'] as const;

const SEND: OptionNames = { of: 'a send', names: new Set(send) };
const REQUEST: OptionNames = {
  of: 'a request',
  names: new Set([...send, 'replyAs'] satisfies (keyof RequestOptions)[]),
};
const RECALL: OptionNames = {
  of: 'recall',
  names: new Set(['timeoutMs', 'signal'] satisfies (keyof RecallOptions)[]),
};
const SEND_ALL: OptionNames = {
  of: 'sendAll',
  names: new Set([...many, 'signal'] satisfies (keyof SendAllOptions)[]),
};
const OPERATOR: OptionNames = {
  of: 'the operator',
  names: new Set([...many, 'bufferMax'] satisfies (keyof OperatorOptions)[]),
};

/** @throws RMQ_OPTIONS_INVALID by name; the values are looked at where they are used, but for `signal` */
export const checkSendOptions = (options: SendOptions | undefined): void => requireKnown(options, SEND);
export const checkRequestOptions = (options: RequestOptions<unknown>): void => requireKnown(options, REQUEST);
export const checkRecallOptions = (options: RecallOptions | undefined): void => requireKnown(options, RECALL);
export const checkSendAllOptions = (options: SendAllOptions): void => requireKnown(options, SEND_ALL);
export const checkOperatorOptions = (options: OperatorOptions): void => requireKnown(options, OPERATOR);

/** What is told to each of many sends. `signal` is for all of them together. */
export function optionsOfEach(options: SendAllOptions | OperatorOptions): SendOptions {
  const { timeoutMs, attemptTimeoutMs, selector, slots } = options;
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(attemptTimeoutMs !== undefined && { attemptTimeoutMs }),
    ...(selector !== undefined && { selector }),
    ...(slots !== undefined && { slots }),
  };
}
