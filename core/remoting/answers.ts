import { isRocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingCommand } from './protocol/remoting-command.js';
import { ResponseCode } from './protocol/response-codes.js';

/** The protocol's own refusal of a request code that nobody answers, in Apache's words, leading space included. */
export function notSupported(requestCode: number): OutgoingCommand {
  return {
    code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
    remark: ` request type ${requestCode} not supported`,
  };
}

/** What a processor's exception becomes: the kind of error and its message, never a stack. */
export function systemError(error: unknown): OutgoingCommand {
  return { code: ResponseCode.SYSTEM_ERROR, remark: describeError(error) };
}

function describeError(error: unknown): string {
  if (isRocketMQError(error)) return `${error.code}: ${error.message}`;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return String(error);
}

/** Whether an answer comes later by promise. */
export function isPromiseLike<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof (answer as { then?: unknown } | undefined)?.then === 'function';
}
