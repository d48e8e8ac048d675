import { type Client, type ConnectOptions, connect, type ReceivedMessage } from '../../../core/index.js';
import { waitFor } from '../../interop/kit/ports.js';

/** Members of one consumer group, each with a connection of its own, that count what they get by key. */
export class Readers {
  readonly #clients: Client[] = [];
  readonly #times = new Map<string, number>();

  static async start(
    options: ConnectOptions,
    { group, topics, count }: { readonly group: string; readonly topics: readonly string[]; readonly count: number },
  ): Promise<Readers> {
    const readers = new Readers();
    for (let member = 0; member < count; member++) {
      const mq = await connect(options);
      readers.#clients.push(mq);
      const subscribe = Object.fromEntries(topics.map((topic) => [topic, '*']));
      const consumer = await mq.consumer({ group, subscribe, from: 'first' });
      await consumer.run((message: ReceivedMessage) => readers.#got(message));
    }
    return readers;
  }

  /** Deliveries beyond the first of each message. */
  get duplicates(): number {
    return [...this.#times.values()].reduce((sum, times) => sum + times - 1, 0);
  }

  get read(): number {
    return this.#times.size;
  }

  missing(keys: readonly string[]): string[] {
    return keys.filter((key) => !this.#times.has(key));
  }

  /** Waits until every one of these has come, and returns those that did not come in time. */
  async waitForAll(keys: readonly string[], timeoutMs: number): Promise<string[]> {
    const all = waitFor('every message', async () => this.missing(keys).length === 0, { timeoutMs });
    await all.catch(() => undefined);
    return this.missing(keys);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((mq) => mq.close({ timeoutMs: 10_000 })));
  }

  #got({ keys: [key = ''] }: ReceivedMessage): void {
    this.#times.set(key, (this.#times.get(key) ?? 0) + 1);
  }
}
