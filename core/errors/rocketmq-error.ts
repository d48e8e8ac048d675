import { ERROR_CODES, type ErrorCode } from './codes.js';

/** One failed attempt of a send, as `RMQ_SEND_FAILED` carries it. */
export interface FailedAttempt {
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly broker: string;
  readonly queueId: number;
  readonly error: unknown;
}

/** A message that is stored, of a batch that is not; at run time a whole `SendResult`. */
export interface StoredOfBatch {
  readonly status: string;
  readonly msgId: string;
  readonly offsetMsgId: string | undefined;
  readonly queue: { readonly topic: string; readonly brokerName: string; readonly queueId: number };
  readonly queueOffset: number | undefined;
}

/** The facts that come with a code, beside those of every error. */
export interface ErrorFieldsByCode {
  RMQ_OPTIONS_INVALID: { readonly option: string };
  RMQ_NAME_SERVER_UNREACHABLE: { readonly failures: readonly { readonly address: string; readonly error: unknown }[] };
  RMQ_ROUTE_NOT_FOUND: { readonly topic: string; readonly nameServer?: string };
  RMQ_BROKER_NOT_FOUND: { readonly broker: string; readonly topic?: string };
  RMQ_BROKER_ERROR: {
    readonly responseCode: number;
    readonly remark?: string;
    readonly address?: string;
    readonly broker?: string;
  };
  RMQ_CONNECT_FAILED: { readonly address: string };
  RMQ_CONNECTION_LOST: { readonly address: string; readonly sent: 'no' | 'maybe' };
  RMQ_REQUEST_TIMEOUT: {
    readonly address: string;
    readonly timeoutMs: number;
    readonly plugin?: string;
    readonly sent: 'no' | 'maybe';
  };
  RMQ_REQUEST_ABORTED: { readonly sent: 'no' | 'maybe' };
  RMQ_FRAME_INVALID: { readonly address?: string };
  RMQ_MESSAGE_ILLEGAL: {
    readonly field: string;
    readonly topic?: string;
    /** Which message of a batch, from 0. */
    readonly index?: number;
  };
  RMQ_VALUE_INVALID: {
    readonly topic: string;
    readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] }[];
    /** Which message of a batch, from 0. */
    readonly index?: number;
  };
  RMQ_QUEUE_NOT_FOUND: { readonly topic: string; readonly broker?: string; readonly queueId?: number };
  RMQ_SEND_TIMEOUT: {
    readonly topic: string;
    readonly timeoutMs: number;
    readonly stage?: string;
    readonly plugin?: string;
    readonly sent: 'no' | 'maybe';
    readonly msgId?: string;
  };
  RMQ_REPLY_TIMEOUT: {
    readonly topic: string;
    readonly timeoutMs: number;
    readonly msgId: string;
    /** The one that had the reply and did not hand it on. */
    readonly plugin?: string;
    /** The message is stored. */
    readonly sent: 'maybe';
  };
  RMQ_SEND_FAILED: {
    readonly topic: string;
    readonly attempts: readonly FailedAttempt[];
    readonly sent: 'no' | 'maybe';
    readonly msgId?: string;
  };
  RMQ_BATCH_INCOMPLETE: {
    readonly topic: string;
    /** One for each message that is stored: those in front. */
    readonly results: readonly StoredOfBatch[];
    /** All others, as they were given, in order. */
    readonly unsent: readonly unknown[];
    /** How many of `unsent` were in the part that failed; the rest was never on its way. */
    readonly failedCount: number;
    /** Whether the part that failed may be stored all the same. */
    readonly sent: 'no' | 'maybe';
  };
  RMQ_SEND_FORBIDDEN: { readonly plugin: string; readonly rule: string; readonly topic: string };
  RMQ_SEND_ABORTED: { readonly topic: string; readonly sent: 'no' | 'maybe'; readonly msgId?: string };
  RMQ_NOT_STORED: { readonly status: string; readonly topic: string; readonly broker: string; readonly msgId?: string };
  RMQ_BACKPRESSURE: { readonly topic: string; readonly limit: 'count' | 'bytes' | 'buffer' };
  RMQ_PIPELINE_MISUSE: {
    readonly interceptor: string;
    readonly rule: string;
    /** There when it ended a send or a request. */
    readonly sent?: 'no' | 'maybe';
  };
  RMQ_PLUGIN_FAILED: {
    readonly plugin: string;
    /** There when it ended a send or a request. */
    readonly sent?: 'no' | 'maybe';
  };
  RMQ_PLUGIN_CONFLICT: { readonly plugins: readonly string[] };
  RMQ_NOT_RUNNING: { readonly state: string };
  RMQ_GROUP_DUPLICATE: { readonly group: string };
  RMQ_SUBSCRIPTION_INVALID: {
    readonly topic: string;
    readonly expression: string;
    /** What the broker refused it with. */
    readonly responseCode?: number;
    readonly remark?: string;
  };
  RMQ_MESSAGE_NOT_FOUND: { readonly msgId: string; readonly topic?: string };
  RMQ_CONSUME_TIMEOUT: { readonly timeoutMs: number; readonly plugin?: string };
  RMQ_PULL_MISUSE: { readonly rule: string };
  RMQ_POLL_FAILED: {
    readonly topic: string;
    readonly broker: string;
    readonly queueId: number;
    readonly queueOffset: number;
  };
  RMQ_COMMIT_FAILED: { readonly topics: readonly string[] };
  RMQ_OFFSET_ILLEGAL: { readonly offset: number; readonly minOffset: number; readonly maxOffset: number };
  RMQ_CODEC_MISSING: { readonly codec: string; readonly package?: string };
  RMQ_ADDRESS_IN_USE: { readonly address: string };
  RMQ_STORE_LOCKED: { readonly dir: string; readonly holder: string };
  RMQ_STORE_UNUSABLE: { readonly path: string };
  RMQ_SERVER_FAILED: { readonly dir: string; readonly exitCode: number };
  RMQ_KIT_TIMEOUT: { readonly topic: string; readonly wanted: number; readonly found: number };
  RMQ_KIT_RESTLESS: { readonly turns: number };
}

/** The fields that an error of code `C` must be made with. */
export type ErrorFields<C extends ErrorCode> = C extends keyof ErrorFieldsByCode ? ErrorFieldsByCode[C] : object;

/** An error of one code, with that code's fields. */
export type RocketMQErrorOf<C extends ErrorCode> = RocketMQError<C> & ErrorFields<C>;

const BRAND = Symbol.for('multistage.RocketMQError');

/**
 * The one error class. `code` tells what happened, `retryable` whether the same call may succeed later, `hint` what to
 * do, `cause` what lies beneath. Facts are fields. Test with {@link isRocketMQError}, never with `instanceof`: two
 * copies of the package may live in one process.
 */
export class RocketMQError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly retryable: boolean;
  readonly hint: string;

  constructor(code: C, message: string, options: { cause?: unknown; retryable?: boolean; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RocketMQError';
    this.code = code;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    this.hint = options.hint ?? ERROR_CODES[code].remedy;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Makes an error of a code with the fields that code carries. */
export function rocketMQError<C extends ErrorCode>(
  code: C,
  message: string,
  fields: ErrorFields<C>,
  options: { cause?: unknown; retryable?: boolean; hint?: string } = {},
): RocketMQErrorOf<C> {
  const error = Object.assign(new RocketMQError(code, message, options), fields) as RocketMQErrorOf<C>;
  Error.captureStackTrace(error, rocketMQError); // it begins where it went wrong: Node shows that line for one nobody catches
  return error;
}

/** Has a plugin's failure say whether what it ended may be stored, or executed, all the same; other errors stay as they are. */
export function saySent<E extends RocketMQError>(error: E, sent: 'no' | 'maybe'): E {
  if (error.code !== 'RMQ_PLUGIN_FAILED' && error.code !== 'RMQ_PIPELINE_MISUSE') return error;
  return 'sent' in error ? error : Object.assign(error, { sent });
}

/**
 * Whether `error` is one of ours (of any copy of this package), and of `code` when one is given; narrows to that code's
 * fields.
 * @example if (isRocketMQError(error, 'RMQ_SEND_TIMEOUT') && error.sent === 'no') await producer.send(message);
 */
export function isRocketMQError(error: unknown): error is RocketMQError;
export function isRocketMQError<C extends ErrorCode>(error: unknown, code: C): error is RocketMQErrorOf<C>;
export function isRocketMQError(error: unknown, code?: ErrorCode): boolean {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as { code?: unknown }).code === code;
}
