import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import type { RunOptions } from './consumer.js';
import type { IterationOptions } from './message-iterator.js';
import type { AssignOptions, PollOptions } from './pull/lite-pull-consumer.js';
import type { OffsetOptions, PullOptions, SendBackOptions } from './pull/pull-consumer.js';
import type { ReplyOptions, TypedReplyOptions } from './reply-sender.js';
import type { RetryAfter } from './retry-after.js';

type KeysOf<T> = T extends unknown ? keyof T : never;

const optionsOf = <T>(of: string, names: readonly KeysOf<T>[]): OptionNames => ({
  of,
  names: new Set(names as readonly string[]),
});

const RUN = optionsOf<RunOptions>('a run', ['signal']);
const MESSAGES = optionsOf<IterationOptions>('messages', ['ack', 'signal']);
const RETRY = optionsOf<RetryAfter>('retry', ['after', 'delayLevel']);
const REPLY = optionsOf<ReplyOptions | TypedReplyOptions<unknown>>('a reply', [
  ...(['as', 'tag', 'keys', 'properties', 'flag', 'timeoutMs', 'signal'] as const),
]);
const POLL = optionsOf<PollOptions>('a poll', ['timeoutMs', 'maxMessages', 'signal']);
const ASSIGN = optionsOf<AssignOptions>('assign', ['expressions']);
const PULL = optionsOf<PullOptions>('a pull', ['maxMessages', 'timeoutMs', 'signal']);
const OFFSET = optionsOf<OffsetOptions>('fetchConsumeOffset', ['fromStore']);
const SEND_BACK = optionsOf<SendBackOptions>('sendMessageBack', ['after', 'delayLevel', 'deadLetter']);

/** @throws RMQ_OPTIONS_INVALID by name; the values are looked at where they are used, but for `signal` */
export const checkRunOptions = (options: RunOptions): void => requireKnown(options, RUN);
export const checkIterationOptions = (options: IterationOptions): void => requireKnown(options, MESSAGES);
export const checkRetryOptions = (options: RetryAfter | undefined): void => requireKnown(options, RETRY);
export const checkReplyOptions = (options: ReplyOptions): void => requireKnown(options, REPLY);
export const checkPollOptions = (options: PollOptions): void => requireKnown(options, POLL);
export const checkAssignOptions = (options: AssignOptions): void => requireKnown(options, ASSIGN);
export const checkPullOptions = (options: PullOptions): void => requireKnown(options, PULL);
export const checkOffsetOptions = (options: OffsetOptions): void => requireKnown(options, OFFSET);
export const checkSendBackOptions = (options: SendBackOptions): void => requireKnown(options, SEND_BACK);
