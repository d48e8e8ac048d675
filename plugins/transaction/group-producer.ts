import type { PluginHost, Producer, RawMessage, SendOptions, TypedMessage } from '../../core/index.js';
import type { TransactionGroup } from './transaction-group.js';
import { CALL, type TransactionCall } from './transaction-interceptor.js';
import type { TransactionProducer, TransactionSendResult } from './transaction-producer.js';
import { type Patience, waitAtMost } from './wait-at-most.js';

/** The facade over the producer of a group: its sends carry what makes them transactions, its end waits for what they began. */
export class GroupProducer<A> implements TransactionProducer<A> {
  readonly producer: Producer;
  readonly #host: Pick<PluginHost, 'clock' | 'logger'>;
  readonly #group: TransactionGroup;
  readonly #leave: () => void;

  /** @param leave called when it takes no more sends: from then on brokers have to ask other members */
  constructor(
    host: Pick<PluginHost, 'clock' | 'logger'>,
    producer: Producer,
    group: TransactionGroup,
    leave: () => void,
  ) {
    this.#host = host;
    this.producer = producer;
    this.#group = group;
    this.#leave = leave;
  }

  get group(): string {
    return this.#group.group;
  }

  send(
    message: RawMessage | TypedMessage<unknown>,
    argument: A,
    options?: SendOptions,
  ): Promise<TransactionSendResult> {
    const call: TransactionCall = { argument };
    const slots = [...(options?.slots ?? []), { key: CALL, value: call }];
    // The interceptor makes it one of these.
    return this.producer.send(message as RawMessage, { ...options, slots }) as Promise<TransactionSendResult>;
  }

  async close(options: Patience = {}): Promise<void> {
    const { clock, logger } = this.#host;
    const { timeoutMs, signal } = options;
    const startMs = clock.monotonic();
    await this.producer.close(options);
    this.#leave();
    const left: Patience = {
      ...(timeoutMs !== undefined && { timeoutMs: Math.max(0, startMs + timeoutMs - clock.monotonic()) }),
      ...(signal !== undefined && { signal }),
    };
    if (await waitAtMost(clock, left, this.#group.close())) return;
    logger.warn('a transactional producer closed in the middle of its branches or checks', { group: this.group });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
