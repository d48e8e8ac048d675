import { type ConnectOptions, connect, type ReceivedMessage } from '../../../core/index.js';
import { PATIENCE_MS, PATIENT } from './patience.js';

/** Reads a topic from its beginning with our push consumer until `count` messages came. */
export function collect(
  options: ConnectOptions,
  topic: string,
  count: number,
  { group = `collect_${topic}`, timeoutMs = PATIENCE_MS } = {},
): Promise<ReceivedMessage[]> {
  return collectTopics(options, [topic], count, { group, timeoutMs });
}

/** Reads several topics from their beginnings with one push consumer of ours until `count` messages came of all together. */
export async function collectTopics(
  options: ConnectOptions,
  topics: readonly string[],
  count: number,
  { group, timeoutMs = PATIENCE_MS }: { readonly group: string; readonly timeoutMs?: number },
): Promise<ReceivedMessage[]> {
  const mq = await connect({ ...PATIENT, ...options });
  try {
    const subscribe = Object.fromEntries(topics.map((topic) => [topic, '*']));
    const consumer = await mq.consumer({ group, subscribe, from: 'first' });
    const messages: ReceivedMessage[] = [];
    await new Promise<void>((resolve, reject) => {
      const giveUp = () =>
        reject(new Error(`${messages.length} of ${count} messages of ${topics.join(', ')} in ${timeoutMs} ms`));
      const timer = setTimeout(giveUp, timeoutMs);
      const starting = consumer.run((message: ReceivedMessage) => {
        if (messages.push(message) < count) return;
        clearTimeout(timer);
        resolve();
      });
      starting.catch((error: unknown) => {
        clearTimeout(timer);
        reject(error);
      });
    });
    return messages;
  } finally {
    await mq.close();
  }
}
