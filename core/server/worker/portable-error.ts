import type { ErrorCode } from '../../errors/codes.js';
import { type ErrorFields, isRocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';

/** An error in a form that goes from thread to thread; errors themselves arrive there without their fields. */
export interface PortableError {
  readonly isRocketMQError: boolean;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Its own fields, those that can be copied. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PortableError | undefined;
}

/** Causes of causes beyond this are left out. */
const CAUSES_MAX = 8;

export function toPortableError(thrown: unknown, causesMax = CAUSES_MAX): PortableError {
  if (!isError(thrown)) return { ...toPortableError(new Error(String(thrown))), stack: undefined };
  const { name, message, stack, cause } = thrown;
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(thrown)) {
    if (field !== 'name' && isCopyable(value)) fields[field] = value;
  }
  return {
    isRocketMQError: isRocketMQError(thrown),
    name,
    message,
    stack,
    fields,
    cause: cause === undefined || causesMax === 0 ? undefined : toPortableError(cause, causesMax - 1),
  };
}

export function fromPortableError(portable: PortableError): Error {
  const cause = portable.cause === undefined ? undefined : fromPortableError(portable.cause);
  const error = portable.isRocketMQError
    ? ours(portable, cause)
    : Object.assign(new Error(portable.message, cause === undefined ? undefined : { cause }), portable.fields);
  error.name = portable.name;
  if (portable.stack !== undefined) error.stack = portable.stack;
  return error;
}

function ours({ message, fields }: PortableError, cause: Error | undefined): Error {
  const { code, retryable, hint, ...facts } = fields as { code: ErrorCode; retryable: boolean; hint: string };
  return rocketMQError(code, message, facts as ErrorFields<ErrorCode>, { cause, retryable, hint });
}

/** An error of another realm counts too. */
export function isError(value: unknown): value is Error {
  return Object.prototype.toString.call(value) === '[object Error]';
}

/** Whether a value arrives in another thread. */
export function isCopyable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    // Functions, promises, sockets.
    return false;
  }
}
