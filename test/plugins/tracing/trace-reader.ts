import {
  type Client,
  connect,
  decodeTraces,
  type Plugin,
  type ReceivedMessage,
  type TraceRecord,
} from '../../../core/index.js';
import { embedded, type ServerOptions } from '../../../core/server/index.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { waitFor } from '../../kit/wait-for.js';

/** A server in memory, clients of it, and whoever reads the trace messages of a topic there. */
export async function tracedCluster(options: Omit<ServerOptions, 'store'> = {}) {
  const cluster = embedded({ store: 'memory', ...options });
  const open = async (...plugins: Plugin[]): Promise<Client> => closeAfterTest(await connect({ cluster, plugins }));
  // The server forgets everything when its last client leaves.
  await open();
  /** What the topic has got so far; waits until there are as many records. */
  const readTraces = async (records: number, topic = 'RMQ_SYS_TRACE_TOPIC') => {
    const mq = await open();
    const messages: ReceivedMessage[] = [];
    const consumer = await mq.consumer({ group: 'trace_reader', subscribe: { [topic]: '*' }, from: 'first' });
    await consumer.run((message: ReceivedMessage) => void messages.push(message));
    const decoded = (): TraceRecord[] =>
      messages.flatMap((message) => {
        const { records: some, unreadable } = decodeTraces(message.body.toString());
        if (unreadable.length > 0) throw new Error(`unreadable: ${unreadable.join()}`);
        return [...some];
      });
    await waitFor(() => decoded().length >= records, {
      what: `${records} trace records in ${topic}`,
    });
    await mq.close();
    return { messages, records: decoded() };
  };
  return { cluster, open, readTraces };
}

/** The records of one type. */
export function ofType<T extends TraceRecord['type']>(records: readonly TraceRecord[], type: T) {
  return records.filter((record): record is Extract<TraceRecord, { type: T }> => record.type === type);
}
