import type { Logger, PluginHost, Producer, Timer } from '../../core/index.js';

/** As often as routes are asked for. */
const RETRY_MS = 30_000;

/**
 * Makes a producer known to brokers before it sends anything, by asking for the routes of topics: brokers in routes hear who
 * is here. After a restart they have questions about transactions of before, and nobody else to ask. Java's client asks for
 * the route of `createTopicKey` at its start (4.9), or for those of the topics that it is given (5.x).
 */
export class Acquaintance {
  readonly #host: Pick<PluginHost, 'clock'> & { readonly logger: Pick<Logger, 'debug'> };
  readonly #producer: Pick<Producer, 'group' | 'fetchPublishMessageQueues'>;
  #unknown: readonly string[];
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    host: Pick<PluginHost, 'clock'> & { readonly logger: Pick<Logger, 'debug'> },
    producer: Pick<Producer, 'group' | 'fetchPublishMessageQueues'>,
    topics: readonly string[],
  ) {
    this.#host = host;
    this.#producer = producer;
    this.#unknown = topics;
  }

  /** Asks, and again after a while for what nobody could answer. Never rejects. */
  async make(): Promise<void> {
    const missing = await Promise.all(this.#unknown.map((topic) => this.#isUnknown(topic)));
    this.#unknown = this.#unknown.filter((_, index) => missing[index]);
    if (this.#closed || this.#unknown.length === 0) return;
    this.#timer = this.#host.clock.setTimer(RETRY_MS, () => void this.make());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #isUnknown(topic: string): Promise<boolean> {
    try {
      await this.#producer.fetchPublishMessageQueues(topic);
      return false;
    } catch (error) {
      const { group } = this.#producer;
      if (!this.#closed)
        this.#host.logger.debug('brokers of a topic do not know of a group yet', { topic, group, error });
      return true;
    }
  }
}
