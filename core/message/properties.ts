import { rocketMQError } from '../errors/rocketmq-error.js';
import { bareRecord } from '../runtime/bare-record.js';
import type { Properties } from './message.js';
import { textProblem } from './text-rules.js';

/** The length field of a record's properties is a signed 16-bit number. */
export const PROPERTIES_BYTES_MAX = 32_767;

const NAME_VALUE_SEPARATOR = '\u0001';
const PROPERTY_SEPARATOR = '\u0002';
const ENTRY_CHARS_MIN = 3;

/**
 * The properties string of a message, as header fields carry it.
 *
 * ```
 * name 0x01 value { 0x02 name 0x01 value }
 * ```
 * Ends without 0x02, as 4.9 writes it. Matches Apache's MessageDecoder.messageProperties2String.
 * @throws RMQ_MESSAGE_ILLEGAL for an empty name or value, for 0x01, 0x02 or a lone surrogate in one, and beyond 32,767 bytes
 */
export function formatProperties(properties: Properties): string {
  let text = '';
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    if (value === undefined || value === null) continue;
    text = appendProperty(text, name, value);
  }
  checkPropertiesLength(text);
  return text;
}

/** A properties string with one more property at its end. @throws RMQ_MESSAGE_ILLEGAL as {@link formatProperties}, length apart */
export function appendProperty(text: string, name: string, value: string): string {
  const problem = textProblem(name) ?? textProblem(value);
  if (problem !== undefined) throw illegalProperty(name, value);
  return text.length === 0
    ? name + NAME_VALUE_SEPARATOR + value
    : text + PROPERTY_SEPARATOR + name + NAME_VALUE_SEPARATOR + value;
}

/** @throws RMQ_MESSAGE_ILLEGAL when a properties string is longer than a record can hold */
export function checkPropertiesLength(text: string): void {
  if (text.length * 3 <= PROPERTIES_BYTES_MAX) return;
  const length = Buffer.byteLength(text);
  if (length <= PROPERTIES_BYTES_MAX) return;
  throw rocketMQError(
    'RMQ_MESSAGE_ILLEGAL',
    `The properties of the message are ${length} bytes, at most ${PROPERTIES_BYTES_MAX} are allowed`,
    { field: 'properties' },
  );
}

/** {@link formatProperties} in UTF-8, as records carry it. @throws RMQ_MESSAGE_ILLEGAL as there */
export function encodeProperties(properties: Properties): Buffer {
  return Buffer.from(formatProperties(properties));
}

/**
 * Reads a properties string, whether or not it ends with 0x02. Entries shorter than three characters, without 0x01, with an
 * empty name or an empty value are dropped; of a name that comes twice the last value stays. The result has no prototype.
 * Matches Apache's MessageDecoder.string2messageProperties.
 */
export function decodeProperties(encoded: Buffer | string): Properties {
  const properties = bareRecord();
  const text = typeof encoded === 'string' ? encoded : encoded.toString('utf8');
  let separator = -1;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf(PROPERTY_SEPARATOR, start);
    if (end < 0) end = text.length;
    // Looked for once per separator, not per entry: a string of entries without one would cost its square.
    if (separator < start) separator = text.indexOf(NAME_VALUE_SEPARATOR, start);
    if (separator < 0) break;
    if (end - start >= ENTRY_CHARS_MIN && separator > start && separator < end - 1) {
      properties[text.slice(start, separator)] = text.slice(separator + 1, end);
    }
  }
  return properties;
}

/** One property of a properties string without decoding the others; the last value when it comes twice. */
export function findProperty(text: string, name: string): string | undefined {
  const wanted = name + NAME_VALUE_SEPARATOR;
  for (let from = text.length; from >= 0; ) {
    const start = text.lastIndexOf(wanted, from);
    if (start < 0) return undefined;
    if (start === 0 || text[start - 1] === PROPERTY_SEPARATOR) {
      const valueStart = start + wanted.length;
      const end = text.indexOf(PROPERTY_SEPARATOR, valueStart);
      const value = end < 0 ? text.slice(valueStart) : text.slice(valueStart, end);
      if (value.length > 0) return value;
    }
    from = start - 1;
  }
  return undefined;
}

function illegalProperty(name: string, value: string) {
  const nameProblem = textProblem(name);
  const what =
    nameProblem === undefined ? `the value of ${JSON.stringify(name)} ${textProblem(value)}` : `a name ${nameProblem}`;
  const field = nameProblem === undefined ? `properties.${name}` : 'properties';
  return rocketMQError('RMQ_MESSAGE_ILLEGAL', `The properties of the message cannot be written: ${what}`, { field });
}
