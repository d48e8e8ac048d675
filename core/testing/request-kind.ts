import { rocketMQError } from '../errors/rocketmq-error.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';

/** A request by RocketMQ's name or number; `*` is every request. */
export type RequestKind = keyof typeof RequestCode | number | '*';
/** A response code by RocketMQ's name or number. */
export type ResponseKind = keyof typeof ResponseCode | number;

/** Requests that differ only in how they are written go by the name of the first. */
const FAMILIES: Readonly<Record<string, readonly number[]>> = {
  SEND_MESSAGE: [RequestCode.SEND_MESSAGE, RequestCode.SEND_MESSAGE_V2, RequestCode.SEND_BATCH_MESSAGE],
  PULL_MESSAGE: [RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE],
};

/** Whether a request code is of the kind. @throws RMQ_OPTIONS_INVALID for a name that is none */
export function isOfKind(kind: RequestKind): (code: number) => boolean {
  if (kind === '*') return () => true;
  if (typeof kind === 'number') return (code) => code === kind;
  const family = Object.hasOwn(FAMILIES, kind) ? FAMILIES[kind] : undefined;
  if (family !== undefined) return (code) => family.includes(code);
  const wanted = numberOf(RequestCode, kind, 'request');
  return (code) => code === wanted;
}

/** @throws RMQ_OPTIONS_INVALID for a name that is none */
export function responseCodeOf(kind: ResponseKind): number {
  return typeof kind === 'number' ? kind : numberOf(ResponseCode, kind, 'response');
}

function numberOf(table: Readonly<Record<string, number>>, name: string, what: string): number {
  const code = Object.hasOwn(table, name) ? table[name] : undefined;
  if (code !== undefined) return code;
  const words = `${JSON.stringify(name)} names no ${what} code; a ${what} goes by its number too`;
  throw rocketMQError('RMQ_OPTIONS_INVALID', words, { option: what });
}
