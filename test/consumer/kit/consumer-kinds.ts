import type { Client } from '../../../core/client/client.js';
import type { ConsumerOptions } from '../../../core/consumer/options/consumer-options.js';
import type { ReceivedMessage } from '../../../core/message/message.js';
import { waitFor } from '../../kit/wait-for.js';

/** What a kind of consumer is to read, from the beginning. */
export interface ReadOptions {
  readonly group: string;
  readonly topic: string;
  /** How many messages there are. */
  readonly count: number;
  /** For the kind that keeps its offsets in a file. */
  readonly localOffsetStoreDir: string;
}

/** A way to read a topic, as an application does. */
export interface ConsumerKind {
  readonly kind: string;
  readonly offsets: 'at the broker' | 'in a file';
  /** Resolves when all messages are handled; offsets need not be stored before `close`. */
  read(mq: Client, options: ReadOptions): Promise<Reading>;
}

export interface Reading {
  readonly messages: readonly ReceivedMessage[];
  close(): Promise<void>;
}

/** All that a client has. */
export const CONSUMER_KINDS: readonly ConsumerKind[] = [
  push('push'),
  push('ordered', { ordered: true }),
  push('batches', { batchSize: 8 }),
  push('broadcasting', { messageModel: 'broadcasting' }),
  push('pop', { messageRequestMode: 'pop' }),
  { kind: 'lite pull', offsets: 'at the broker', read: readByPolls },
  { kind: 'plain pull', offsets: 'at the broker', read: readByPulls },
];

function push(kind: string, more: Partial<ConsumerOptions> = {}): ConsumerKind {
  return {
    kind,
    offsets: more.messageModel === 'broadcasting' ? 'in a file' : 'at the broker',
    async read(mq, { group, topic, count, localOffsetStoreDir }) {
      const subscribe = { [topic]: '*' };
      const consumer = await mq.consumer({ ...{ group, subscribe, from: 'first', localOffsetStoreDir }, ...more });
      const messages: ReceivedMessage[] = [];
      if (more.batchSize === undefined) await consumer.run((message) => void messages.push(message));
      else await consumer.runBatch((batch) => void messages.push(...batch));
      await waitFor(() => messages.length >= count, { what: `messages by ${kind}` });
      return { messages, close: () => consumer.close() };
    },
  };
}

async function readByPolls(mq: Client, { group, topic, count }: ReadOptions): Promise<Reading> {
  const consumer = await mq.litePullConsumer({ group, subscribe: { [topic]: '*' }, from: 'first' });
  const messages: ReceivedMessage[] = [];
  while (messages.length < count) messages.push(...(await consumer.poll()));
  await consumer.commit();
  return { messages, close: () => consumer.close() };
}

async function readByPulls(mq: Client, { group, topic }: ReadOptions): Promise<Reading> {
  const consumer = await mq.pullConsumer({ group });
  const messages: ReceivedMessage[] = [];
  for (const queue of await consumer.fetchMessageQueues(topic)) {
    const pulled = await consumer.pull(queue, '*', (await consumer.fetchConsumeOffset(queue)) ?? 0);
    messages.push(...pulled.messages);
    consumer.updateConsumeOffset(queue, pulled.nextBeginOffset);
  }
  return { messages, close: () => consumer.close() };
}
