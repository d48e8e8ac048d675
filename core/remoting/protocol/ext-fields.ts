import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { RemotingCommand } from './remoting-command.js';

/** What the readers need of a command. */
export type FieldSource = Pick<RemotingCommand, 'code' | 'ext' | 'locateFields'>;

/**
 * Readers of header fields, which are text on the wire. A field that is required and missing, or that is not of its type,
 * raises RMQ_BODY_INVALID; an optional field that is empty counts as missing, since Java reads empty text in a binary
 * header as null.
 */
export function requiredString(command: FieldSource, name: string): string {
  return command.ext[name] ?? missingField(command, name);
}

export function optionalString(command: FieldSource, name: string): string | undefined {
  const text = command.ext[name];
  return text === '' ? undefined : text;
}

/** @throws RMQ_BODY_INVALID */
export function requiredInt32(command: FieldSource, name: string): number {
  return parseInt32(command, name, command.ext[name] ?? missingField(command, name));
}

/** @throws RMQ_BODY_INVALID when it is there and no int32 */
export function optionalInt32(command: FieldSource, name: string): number | undefined {
  const text = optionalString(command, name);
  return text === undefined ? undefined : parseInt32(command, name, text);
}

/** Exact to 2^53, beyond that the nearest double: such values are bounds like Java's Long.MAX_VALUE. @throws RMQ_BODY_INVALID */
export function requiredInt64(command: FieldSource, name: string): number {
  return parseInt64(command, name, command.ext[name] ?? missingField(command, name));
}

/** As {@link requiredInt64}. @throws RMQ_BODY_INVALID when it is there and no int64 */
export function optionalInt64(command: FieldSource, name: string): number | undefined {
  const text = optionalString(command, name);
  return text === undefined ? undefined : parseInt64(command, name, text);
}

/** `true` in any case is true, all else false, as Java's Boolean.parseBoolean. */
export function optionalBoolean(command: FieldSource, name: string): boolean | undefined {
  const text = optionalString(command, name);
  return text === undefined ? undefined : text.toLowerCase() === 'true';
}

const INTEGER = /^[+-]?\d{1,19}$/;

/** The value of a field's text. @throws RMQ_BODY_INVALID when it is no int32 */
export function parseInt32(command: FieldSource, name: string, text: string): number {
  const value = Number(text);
  if (!INTEGER.test(text) || value !== (value | 0)) return wrongType(command, name, text, 'a 32-bit integer');
  return value | 0;
}

/** As {@link parseInt32}, for an int64. */
export function parseInt64(command: FieldSource, name: string, text: string): number {
  if (!INTEGER.test(text)) return wrongType(command, name, text, 'a 64-bit integer');
  const value = Number(text);
  if (!Number.isSafeInteger(value) && BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) {
    return wrongType(command, name, text, 'a 64-bit integer');
  }
  return value + 0;
}

/** @throws RMQ_BODY_INVALID */
export function missingField(command: FieldSource, name: string): never {
  throw rocketMQError(
    'RMQ_BODY_INVALID',
    `The header field ${name} is missing in a command of code ${command.code}`,
    {},
  );
}

function wrongType(command: FieldSource, name: string, text: string, expected: string): never {
  const shown = JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
  throw rocketMQError(
    'RMQ_BODY_INVALID',
    `The header field ${name} of a command of code ${command.code} is ${shown}, ${expected} is expected`,
    {},
  );
}
