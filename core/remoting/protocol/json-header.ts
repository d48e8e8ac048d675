import { type RocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { bareRecord } from '../../runtime/bare-record.js';
import { type DialectObject, parseJsonDialect } from './json-dialect.js';

/** The members of a JSON header, checked; `extFields` is read later by {@link readJsonFields}. */
export interface JsonHeader {
  readonly code: number;
  readonly language: unknown;
  readonly version: number;
  readonly opaque: number;
  readonly flag: number;
  readonly remark: string | undefined;
  readonly extFields: unknown;
}

/**
 * Reads the text of a JSON header. Members that are missing or null are 0, unknown ones are ignored, as in Java.
 * @throws RMQ_FRAME_INVALID
 */
export function parseJsonHeader(text: string): JsonHeader {
  const header = parse(text);
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw invalid('the JSON header is no object');
  }
  const members = header as Record<string, unknown>;
  const remark = ownMember(members, 'remark');
  const extFields = ownMember(members, 'extFields');
  if (remark !== undefined && typeof remark !== 'string') throw invalid('its remark is no string');
  if (extFields !== undefined && (typeof extFields !== 'object' || Array.isArray(extFields))) {
    throw invalid('its extFields are no object');
  }
  return {
    code: int32Member(members, 'code'),
    language: ownMember(members, 'language'),
    version: int32Member(members, 'version'),
    opaque: int32Member(members, 'opaque'),
    flag: int32Member(members, 'flag'),
    remark,
    extFields,
  };
}

/**
 * Header fields as strings. Numbers and booleans among them become text as in Java, exact for every int64: where a double
 * is not, the digits are read again from `text`, the header's own. Entries without a value are left out.
 */
export function readJsonFields(extFields: unknown, text: () => string): Readonly<Record<string, string>> {
  const fields = bareRecord();
  if (extFields === undefined) return fields;
  const source = extFields as Record<string, unknown>;
  let exact: DialectObject | undefined;
  for (const name of Object.keys(source)) {
    let value = source[name];
    // No command has a field with an object in it; null is how some writers leave a field out.
    if (typeof value === 'object' || name.length === 0) continue;
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      exact ??= (parseJsonDialect(text()) as { extFields: DialectObject }).extFields;
      value = exact[name];
    }
    fields[name] = typeof value === 'string' ? value : String(value);
  }
  return fields;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid('its JSON header cannot be read', error);
  }
}

function ownMember(members: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(members, name) ? (members[name] ?? undefined) : undefined;
}

function int32Member(members: Record<string, unknown>, name: string): number {
  const value = ownMember(members, name) ?? 0;
  if (typeof value !== 'number' || value !== (value | 0)) throw invalid(`its ${name} is no 32-bit integer`);
  return value;
}

function invalid(what: string, cause?: unknown): RocketMQError {
  return rocketMQError('RMQ_FRAME_INVALID', `No remoting frame: ${what}`, {}, cause === undefined ? {} : { cause });
}
