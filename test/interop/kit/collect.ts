import { type ConnectOptions, connect, type ReceivedMessage } from '../../../core/index.js';

/** Reads a topic from its beginning with our push consumer until `count` messages came. */
export async function collect(
  options: ConnectOptions,
  topic: string,
  count: number,
  { group = `collect_${topic}`, timeoutMs = 60_000 } = {},
): Promise<ReceivedMessage[]> {
  const mq = await connect(options);
  try {
    const consumer = await mq.consumer({ group, subscribe: { [topic]: '*' }, from: 'first' });
    const messages: ReceivedMessage[] = [];
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => reject(new Error(`${messages.length} of ${count} messages of ${topic} in ${timeoutMs} ms`));
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
