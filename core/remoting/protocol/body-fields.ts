import { rocketMQError } from '../../errors/rocketmq-error.js';
import {
  type DialectObject,
  isDialectObject,
  type JsonDialectOptions,
  mapEntries,
  parseJsonDialect,
  stringifyJsonDialect,
} from './json-dialect.js';

/**
 * Readers of the members of JSON bodies. A member that is missing or null has the value that Java gives a field that
 * nobody set (0, false, empty) or is undefined where its reader says optional; one of another type raises
 * RMQ_BODY_INVALID with the body's name and the member's.
 */
export function parseBody(body: Buffer | string, bodyName: string): DialectObject {
  return objectOf(parseJsonDialect(body), bodyName);
}

/** A body's bytes. */
export function formatBody(value: object, options?: JsonDialectOptions): Buffer {
  return Buffer.from(stringifyJsonDialect(value, options));
}

export function objectOf(value: unknown, name: string): DialectObject {
  return isDialectObject(value) ? value : wrongType(name, value, 'an object');
}

export function stringMember(object: DialectObject, name: string, within: string): string {
  return optionalStringMember(object, name, within) ?? '';
}

export function optionalStringMember(object: DialectObject, name: string, within: string): string | undefined {
  const value = object[name] ?? undefined;
  return value === undefined || typeof value === 'string' ? value : wrongType(`${within}.${name}`, value, 'a string');
}

/**
 * A value of a Java enum: a name, known or not, or a value's place among `values`, which are in Java's order. The client for
 * C++ writes places.
 */
export function enumMember(object: DialectObject, name: string, within: string, values: readonly string[]): string {
  const value = object[name];
  return (typeof value === 'number' ? values[value] : undefined) ?? stringMember(object, name, within);
}

/** A whole number; of an int64 beyond 2^53 the nearest double. */
export function integerMember(object: DialectObject, name: string, within: string, byDefault = 0): number {
  return optionalIntegerMember(object, name, within) ?? byDefault;
}

export function optionalIntegerMember(object: DialectObject, name: string, within: string): number | undefined {
  const value = object[name] ?? undefined;
  return value === undefined ? undefined : integerOf(value, `${within}.${name}`);
}

/** A number, or its text, as Java's parser has it: Go's client writes the hashes of tags as strings, that for C++ the version of a subscription. */
export function integerOf(value: unknown, name: string): number {
  if (typeof value === 'bigint' || isWholeNumberText(value)) return Number(value);
  return Number.isInteger(value) ? (value as number) : wrongType(name, value, 'a whole number');
}

export function booleanMember(object: DialectObject, name: string, within: string, byDefault = false): boolean {
  const value = object[name] ?? byDefault;
  return typeof value === 'boolean' ? value : wrongType(`${within}.${name}`, value, 'true or false');
}

export function listMember<T>(
  object: DialectObject,
  name: string,
  within: string,
  read: (element: unknown, name: string) => T,
): T[] {
  const value = object[name] ?? [];
  if (!Array.isArray(value)) return wrongType(`${within}.${name}`, value, 'an array');
  return value.map((element) => read(element, `${within}.${name}`));
}

/** A map whose keys are names, or numbers read as names. */
export function tableMember<T>(
  object: DialectObject,
  name: string,
  within: string,
  read: (value: unknown, name: string) => T,
): Map<string, T> {
  const table = new Map<string, T>();
  const value = object[name] ?? undefined;
  if (value !== undefined && !isDialectObject(value)) return wrongType(`${within}.${name}`, value, 'an object');
  for (const [key, member] of mapEntries(value)) table.set(key as string, read(member, `${within}.${name}`));
  return table;
}

export function stringOf(value: unknown, name: string): string {
  return typeof value === 'string' ? value : wrongType(name, value, 'a string');
}

function isWholeNumberText(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d+$/.test(value);
}

function wrongType(name: string, value: unknown, expected: string): never {
  const found = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  throw rocketMQError('RMQ_BODY_INVALID', `${name} has to be ${expected}, it is ${found}`, {});
}
