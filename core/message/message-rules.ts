import { rocketMQError } from '../errors/rocketmq-error.js';
import { isBytes } from '../runtime/is-bytes.js';
import { validateDelay } from './delay.js';
import type { OutgoingMessage, Properties } from './message.js';
import { PROPERTIES_BYTES_MAX } from './properties.js';
import { KEY_SEPARATOR, RESERVED_PROPERTY_NAMES } from './property-names.js';
import { validateSystemProperties } from './system-properties.js';
import { NOT_ALLOWED_SEND_TOPICS, SystemGroup } from './system-topics.js';
import { textProblem } from './text-rules.js';

/** Limits of the protocol's validation, those of 4.9. Matches Apache's Validators. */
export const TOPIC_LENGTH_MAX = 127;
export const GROUP_LENGTH_MAX = 255;
export const MESSAGE_SIZE_BYTES_MAX = 4 * 1024 * 1024;
const NAME_PATTERN = /^[%|a-zA-Z0-9_-]+$/;

/** Why a topic's or group's name is illegal. */
export type NameProblem = 'blank' | 'too long' | 'illegal characters';

/** What is wrong with a topic's name; undefined when it is legal. */
export function topicProblem(topic: string): NameProblem | undefined {
  return nameProblem(topic, TOPIC_LENGTH_MAX);
}

/** What is wrong with a group's name; undefined when it is legal. 5.x brokers allow 120 characters only. */
export function groupProblem(group: string): NameProblem | undefined {
  return nameProblem(group, GROUP_LENGTH_MAX);
}

function nameProblem(name: string, lengthMax: number): NameProblem | undefined {
  if (isBlank(name)) return 'blank';
  if (name.length > lengthMax) return 'too long';
  return NAME_PATTERN.test(name) ? undefined : 'illegal characters';
}

/** @throws RMQ_MESSAGE_ILLEGAL (field `topic`) for a name that no topic can have */
export function validateTopic(topic: string): void {
  const problem = typeof topic === 'string' ? topicProblem(topic) : 'blank';
  if (problem !== undefined) throw illegal('topic', describeName('topic', topic, problem, TOPIC_LENGTH_MAX), topic);
}

/** The topic that was found legal last: a producer sends to few, and looking at a name costs as much as all the rest. */
let lastSendTopic: string | undefined;

/** @throws RMQ_MESSAGE_ILLEGAL (field `topic`) for a topic that messages cannot be sent to, its name apart */
export function validateSendTopic(topic: string): void {
  if (topic !== undefined && topic === lastSendTopic) return;
  validateTopic(topic);
  if (NOT_ALLOWED_SEND_TOPICS.has(topic)) throw illegal('topic', `Sending to the topic ${topic} is forbidden`, topic);
  lastSendTopic = topic;
}

/** @throws RMQ_OPTIONS_INVALID (option `group`) for a name that no producer or consumer group can have */
export function validateGroup(group: string): void {
  const problem = typeof group === 'string' ? groupProblem(group) : 'blank';
  if (problem !== undefined) {
    throw rocketMQError('RMQ_OPTIONS_INVALID', describeName('group', group, problem, GROUP_LENGTH_MAX), {
      option: 'group',
    });
  }
  if (group === SystemGroup.DEFAULT_PRODUCER || group === SystemGroup.DEFAULT_CONSUMER) {
    const message = `The group must not be ${group}: Java's clients share that name by default`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'group' });
  }
}

/** @throws RMQ_MESSAGE_ILLEGAL (field `message`) for what is no object, or a list */
export function requireMessage(message: unknown): asserts message is object {
  if (typeof message === 'object' && message !== null && !Array.isArray(message)) return;
  const many = Array.isArray(message) ? '; sendAll and sendBatch take many' : '';
  const words = `The message has to be an object such as { topic: 'orders', body: 'text' }, it is ${kindOf(message)}${many}`;
  throw illegal('message', words);
}

/** Fields as other clients call them: a message that was sent in spite of one would go without what it says. */
interface Misnamed {
  readonly tags?: unknown;
  readonly key?: unknown;
  readonly value?: unknown;
}

function misnamed(field: string, ours: string, topic: string) {
  return illegal(field, `A message has no field ${field}; did you mean ${ours}?`, topic);
}

function valueOfUntypedTopic(topic: string) {
  const words = `A message of ${quoted(topic)} has a body; a value takes a typed topic, such as topic(${quoted(topic)}, json())`;
  return illegal('body', words, topic);
}

/** @throws RMQ_MESSAGE_ILLEGAL (field `body`) for a message of a typed topic that brings a body beside its value, or for it */
export function requireNoBody(message: object, topic: string): void {
  if ((message as { readonly body?: unknown }).body === undefined) return;
  throw illegal('body', `A message of the typed topic ${quoted(topic)} has a value, which becomes its body`, topic);
}

/**
 * Everything about a message that can be known before it is sent; nothing is sent that a broker would refuse by rule.
 * @throws RMQ_MESSAGE_ILLEGAL naming the field: topic, body, tag, keys, flag, properties, delay, delayLevel, deliverAt,
 * waitStored
 */
export function validateMessage(message: OutgoingMessage, maxMessageSize: number = MESSAGE_SIZE_BYTES_MAX): void {
  requireMessage(message);
  const { topic, tag, keys, properties, flag } = message;
  validateSendTopic(topic);
  if ((message as Misnamed).tags !== undefined) throw misnamed('tags', 'tag', topic);
  if ((message as Misnamed).key !== undefined) throw misnamed('key', 'keys', topic);
  if (message.body === undefined && (message as Misnamed).value !== undefined) throw valueOfUntypedTopic(topic);
  validateBody(message.body, maxMessageSize, topic);
  let chars = OWN_PROPERTIES_CHARS;
  if (tag !== undefined) {
    const problem = textRuleProblem(tag);
    if (problem !== undefined) throw illegal('tag', `The tag ${quoted(tag)} ${problem}`, topic);
    chars += tag.length + 'TAGS'.length + 2;
  }
  if (keys !== undefined) chars += validateKeys(keys, topic);
  if (properties !== undefined) chars += validateProperties(properties, topic);
  if (flag !== undefined && flag !== (flag | 0)) throw illegal('flag', `The flag ${flag} is no 32-bit integer`, topic);
  if (message.delay !== undefined || message.delayLevel !== undefined || message.deliverAt !== undefined) {
    validateDelay(message);
  }
  if (message.waitStored !== undefined && typeof message.waitStored !== 'boolean') {
    throw illegal('waitStored', `waitStored is true or false, not ${quoted(message.waitStored)}`, topic);
  }
  if (message.systemProperties !== undefined) validateSystemProperties(message.systemProperties, topic);
  // A UTF-16 unit is at most three bytes of UTF-8: only a message near the limit is worth an exact count.
  if (chars * 3 > PROPERTIES_BYTES_MAX) validatePropertiesLength(message);
}

/** UNIQ_KEY and WAIT with separators, on a host with an IPv4 address. */
const OWN_PROPERTIES_CHARS = 'UNIQ_KEY'.length + 1 + 32 + 1 + 'WAIT'.length + 1 + 'true'.length;

function validatePropertiesLength({ topic, tag, keys, properties = {} }: OutgoingMessage): void {
  let length = OWN_PROPERTIES_CHARS;
  if (tag !== undefined) length += Buffer.byteLength(tag) + 'TAGS'.length + 2;
  for (const key of typeof keys === 'string' ? [keys] : (keys ?? [])) length += Buffer.byteLength(key) + 1;
  for (const [name, value] of Object.entries(properties)) length += Buffer.byteLength(name + value) + 2;
  if (keys !== undefined && keys.length > 0) length += 'KEYS'.length + 1;
  if (length <= PROPERTIES_BYTES_MAX) return;
  const what = `The properties of the message, its id, tag and keys included, are ${length} bytes`;
  throw illegal('properties', `${what}, at most ${PROPERTIES_BYTES_MAX} are allowed`, topic);
}

/** What people give as a body and mean to be written as JSON. */
const VALUES: ReadonlySet<string> = new Set(['Object', 'Array', 'number', 'boolean']);

/** @throws RMQ_MESSAGE_ILLEGAL (field `body`) */
function validateBody(body: Uint8Array | string, maxMessageSize: number, topic?: string): void {
  if (typeof body !== 'string' && !isBytes(body)) {
    const kind = kindOf(body);
    const help = VALUES.has(kind) ? `; a value takes a typed topic, such as topic(${quoted(topic)}, json())` : '';
    throw illegal('body', `The body has to be a string or a Uint8Array, it is ${kind}${help}`, topic);
  }
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  if (length === 0) throw illegal('body', 'The body is empty', topic);
  if (length > maxMessageSize) {
    throw illegal(
      'body',
      `The body is ${length} bytes, at most ${maxMessageSize} are allowed (maxMessageSizeBytes)`,
      topic,
    );
  }
  if (typeof body === 'string' && !isWellFormed(body)) {
    throw illegal('body', 'The body contains a lone surrogate, which has no UTF-8 form', topic);
  }
}

/**
 * Properties of an application's own; returns their length in a properties string, in UTF-16 units.
 * @throws RMQ_MESSAGE_ILLEGAL (field `properties` or `properties.<name>`)
 */
function validateProperties(properties: Properties, topic?: string): number {
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties) || properties instanceof Map) {
    throw illegal('properties', `The properties have to be a plain object, they are ${kindOf(properties)}`, topic);
  }
  let chars = 0;
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    const nameProblem = textRuleProblem(name);
    if (nameProblem !== undefined)
      throw illegal('properties', `The property name ${quoted(name)} ${nameProblem}`, topic);
    if (RESERVED_PROPERTY_NAMES.has(name)) {
      throw illegal(`properties.${name}`, `The property name ${name} is used by RocketMQ itself`, topic);
    }
    const problem = textRuleProblem(value);
    if (problem !== undefined)
      throw illegal(`properties.${name}`, `The value of property ${quoted(name)} ${problem}`, topic);
    chars += name.length + value!.length + 2;
  }
  return chars;
}

function validateKeys(keys: string | readonly string[], topic: string): number {
  const list = typeof keys === 'string' ? [keys] : keys;
  if (!Array.isArray(list)) throw illegal('keys', 'The keys have to be a string or an array of strings', topic);
  let chars = 'KEYS'.length + 1;
  for (const key of list) {
    const problem =
      textRuleProblem(key) ?? (key.includes(KEY_SEPARATOR) ? 'contains a blank, which separates keys' : undefined);
    if (problem !== undefined) throw illegal('keys', `The key ${quoted(key)} ${problem}`, topic);
    chars += key.length + 1;
  }
  return chars;
}

/** What is wrong with a name or value that an application gives; undefined when nothing is. */
function textRuleProblem(text: unknown): string | undefined {
  if (typeof text !== 'string') return `has to be a string, it is ${kindOf(text)}`;
  return textProblem(text) ?? (isBlank(text) ? 'is blank' : undefined);
}

function isWellFormed(text: string): boolean {
  // In Node since 20, in TypeScript's library for a later target only.
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}

function isBlank(text: string): boolean {
  if (text.length === 0) return true;
  const first = text.charCodeAt(0);
  return (first <= 0x20 || first > 0x7f) && text.trim() === '';
}

function describeName(kind: string, name: unknown, problem: NameProblem, lengthMax: number): string {
  if (problem === 'blank') return `The ${kind} is blank`;
  if (problem === 'too long')
    return `The ${kind} is longer than ${lengthMax} characters: ${quoted(name).slice(0, 200)}`;
  return `The ${kind} ${quoted(name)} contains illegal characters, allowed are %|a-zA-Z0-9_-`;
}

/** A text in quotes; of what is none, not even what JSON can say may be known. */
const quoted = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));

function illegal(field: string, message: string, topic?: unknown) {
  return rocketMQError('RMQ_MESSAGE_ILLEGAL', message, typeof topic === 'string' ? { field, topic } : { field });
}
