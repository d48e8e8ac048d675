import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingMessage } from './message.js';
import { validateMessage } from './message-rules.js';
import { PropertyName } from './property-names.js';
import { RETRY_TOPIC_PREFIX } from './system-topics.js';

/**
 * Everything that can be known about a batch before any of it is sent: each message is legal by itself, they have one
 * topic and one `waitStored`, and none is delayed, for a retry topic or half a transaction. Matches Apache's
 * MessageBatch.generateFromList.
 * @throws RMQ_MESSAGE_ILLEGAL naming the field, and the message by its `index`
 */
export function validateBatch(messages: readonly OutgoingMessage[], maxMessageSize: number): void {
  const [first] = messages;
  if (first === undefined) {
    throw rocketMQError('RMQ_MESSAGE_ILLEGAL', 'A batch needs at least one message', { field: 'messages' });
  }
  for (const [index, message] of messages.entries()) {
    atMessage(index, () => {
      validateMessage(message, maxMessageSize);
      const problem = batchProblem(message, first);
      if (problem === undefined) return;
      const { topic } = message;
      throw rocketMQError('RMQ_MESSAGE_ILLEGAL', problem.words, { field: problem.field, topic });
    });
  }
}

/** Runs work on one message of a batch; what is illegal about it then says which message it is. */
export function atMessage<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw ofMessage(index, error);
  }
}

/** An error of one message of a batch, saying which. */
export function ofMessage(index: number, error: unknown): unknown {
  if (isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL')) {
    const { field, topic } = error;
    const fields = { field, ...(topic !== undefined && { topic }), index };
    return rocketMQError('RMQ_MESSAGE_ILLEGAL', inBatch(index, error), fields, { cause: error });
  }
  if (isRocketMQError(error, 'RMQ_VALUE_INVALID')) {
    const { topic, issues } = error;
    return rocketMQError('RMQ_VALUE_INVALID', inBatch(index, error), { topic, issues, index }, { cause: error });
  }
  return error;
}

/** Why a message that is legal by itself cannot be in a batch, whatever else is in it; undefined when it can. */
export function soloProblem(message: OutgoingMessage): { readonly field: string; readonly words: string } | undefined {
  const { topic, delay, delayLevel, deliverAt, systemProperties } = message;
  if (delay !== undefined) return delayed('delay');
  if (delayLevel !== undefined && delayLevel !== 0) return delayed('delayLevel');
  if (deliverAt !== undefined) return delayed('deliverAt');
  if (topic.startsWith(RETRY_TOPIC_PREFIX)) {
    return { field: 'topic', words: `A batch cannot go to the retry topic ${topic}` };
  }
  if (systemProperties?.[PropertyName.TRAN_MSG] === 'true') {
    return { field: `systemProperties.${PropertyName.TRAN_MSG}`, words: 'A batch cannot hold half messages' };
  }
  return undefined;
}

function batchProblem(message: OutgoingMessage, first: OutgoingMessage) {
  if (message.topic !== first.topic) {
    const words = `All messages of a batch have one topic: it is ${first.topic} for the first, ${message.topic} here`;
    return { field: 'topic', words };
  }
  const waits = message.waitStored ?? true;
  if (waits !== (first.waitStored ?? true)) {
    const words = `All messages of a batch have one waitStored: it is ${!waits} for the first, ${waits} here`;
    return { field: 'waitStored', words };
  }
  return soloProblem(message);
}

function delayed(field: string) {
  return { field, words: `A batch cannot hold delayed messages, this one has ${field}` };
}

function inBatch(index: number, { message }: Error): string {
  return `Message ${index} of the batch: ${message}`;
}
