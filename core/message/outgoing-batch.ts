import { type BatchItem, encodeBatchBody } from './batch-body.js';
import type { OutgoingMessage, Properties } from './message.js';
import { formatMessageProperties } from './message-properties.js';

/** Registered, so that another copy of the package knows a batch too. */
const MESSAGES = Symbol.for('multistage.OutgoingBatch.messages');

/** Several messages on their way as one: the body holds them as `encodeBatchBody` writes them. */
export interface OutgoingBatch extends OutgoingMessage {
  readonly body: Uint8Array;
  readonly [MESSAGES]: readonly OutgoingMessage[];
}

/** The messages that a batch holds; undefined for a message that is none. */
export function messagesOf(message: OutgoingMessage): readonly OutgoingMessage[] | undefined {
  return (message as Partial<OutgoingBatch>)[MESSAGES];
}

/**
 * A message as the body of a batch has it.
 * @param system properties that sending adds to each message (a namespace)
 * @throws RMQ_MESSAGE_ILLEGAL for properties that cannot be written
 */
export function batchItemOf(message: OutgoingMessage, uniqueId: string, system: Properties | undefined): BatchItem {
  const { body, flag = 0 } = message;
  return {
    flag,
    body: typeof body === 'string' ? Buffer.from(body) : body,
    properties: Buffer.from(formatMessageProperties(message, uniqueId, system)),
  };
}

/** Puts messages together that are there as items already; there is at least one. */
export function toBatch(messages: readonly OutgoingMessage[], items: readonly BatchItem[]): OutgoingBatch {
  const { topic, waitStored } = messages[0] as OutgoingMessage;
  return {
    topic,
    body: encodeBatchBody(items),
    ...(waitStored !== undefined && { waitStored }),
    [MESSAGES]: messages,
  };
}

/** The same batch for another topic. */
export function withTopic(batch: OutgoingMessage, topic: string): OutgoingMessage {
  const messages = messagesOf(batch)?.map((message) => ({ ...message, topic }));
  return { ...batch, topic, ...(messages !== undefined && { [MESSAGES]: messages }) };
}

/** The same batch, which nobody can change, of messages that stand for those it has. */
export function frozenBatch(batch: OutgoingMessage, messages: readonly OutgoingMessage[]): OutgoingMessage {
  return Object.freeze({ ...batch, [MESSAGES]: Object.freeze(messages) });
}

/** Whether two batches differ in their topic only, so that their messages stayed what they are. */
export function differInTopicOnly(one: OutgoingMessage, other: OutgoingMessage): boolean {
  const names = new Set([...Reflect.ownKeys(one), ...Reflect.ownKeys(other)]);
  names.delete('topic');
  for (const name of names) if (Reflect.get(one, name) !== Reflect.get(other, name)) return false;
  return true;
}
