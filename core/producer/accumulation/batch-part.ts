import type { BatchItem } from '../../message/batch-body.js';
import { validateBatch } from '../../message/batch-rules.js';
import type { OutgoingMessage, Properties } from '../../message/message.js';
import { batchItemOf, toBatch } from '../../message/outgoing-batch.js';
import type { SendResult } from '../../pipeline/send-result.js';

/** Messages that go through the pipeline as one send. */
export interface BatchPart {
  /** All of them as a batch; or the one message that goes by itself. */
  readonly message: OutgoingMessage;
  readonly msgIds: readonly string[];
  /** As they were given; undefined for one that goes by itself. */
  readonly batch: readonly OutgoingMessage[] | undefined;
  /** Makes the batch of its messages in another form. */
  readonly encode: ((messages: readonly OutgoingMessage[]) => OutgoingMessage) | undefined;
}

/** Messages with what they become in a batch. */
export interface EncodedMessages {
  readonly messages: readonly OutgoingMessage[];
  readonly items: readonly BatchItem[];
  readonly msgIds: readonly string[];
}

/** What a part takes from its producer. */
export interface PartRules {
  readonly maxMessageSizeBytes: number;
  /** Properties that sending adds to each message. */
  readonly system: Properties | undefined;
}

/** One send of all the messages. */
export function batchPart({ messages, items, msgIds }: EncodedMessages, rules: PartRules): BatchPart {
  return {
    message: toBatch(messages, items),
    msgIds,
    batch: messages,
    encode: (changed) => {
      validateBatch(changed, rules.maxMessageSizeBytes);
      const changedItems = changed.map((message, index) => batchItemOf(message, msgIds[index]!, rules.system));
      return toBatch(changed, changedItems);
    },
  };
}

/** A message that goes by itself, under the id that it has already. */
export function singlePart(message: OutgoingMessage, msgId: string): BatchPart {
  return { message, msgIds: [msgId], batch: undefined, encode: undefined };
}

/** The result of each message from that of its part. */
export function resultsOf(result: SendResult, { msgIds, batch }: BatchPart): readonly SendResult[] {
  if (batch === undefined) return [result];
  const offsetMsgIds = result.offsetMsgId?.split(',') ?? [];
  const { status, queue, queueOffset, transactionId, regionId, traceOn, recallHandle, attempts } = result;
  return msgIds.map((msgId, index) => ({
    status,
    msgId,
    // A 5.x queue of type BatchCQ keeps a batch as one record and answers with one id.
    offsetMsgId: offsetMsgIds[index] ?? offsetMsgIds[0],
    queue,
    queueOffset: queueOffset === undefined ? undefined : queueOffset + index,
    transactionId,
    regionId,
    traceOn,
    recallHandle,
    attempts,
  }));
}
