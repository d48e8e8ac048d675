import type { ReceivedMessage } from '../../message/message.js';
import { watchRejection } from '../../runtime/watch-rejection.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import { type DeliveryFilter, filterFailed } from './delivery-filter.js';

/** What is to be made of a message that was read. */
export type Verdict =
  | { readonly kind: 'deliver' }
  | { readonly kind: 'skip' }
  /** Its body cannot be read. */
  | { readonly kind: 'unreadable'; readonly error: unknown }
  /** A plugin's filter failed. */
  | { readonly kind: 'fail'; readonly error: unknown };

const DELIVER: Verdict = { kind: 'deliver' };
const SKIP: Verdict = { kind: 'skip' };

export interface MessageReaderOptions {
  /** Reads the record, by promise when it takes its time. What it throws makes the message unreadable. */
  readonly decode: (pulled: PulledMessage, consumed: ConsumedQueue) => ReceivedMessage | Promise<ReceivedMessage>;
  /** Plugins' filters, in their order. */
  readonly filters: readonly DeliveryFilter[];
}

/** Turns records into messages just before they are delivered, and tells which of them are this consumer's business. */
export class MessageReader {
  readonly #options: MessageReaderOptions;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  /** Reads what was not read before; by promise, which never rejects, only where that takes its time. */
  read(consumed: ConsumedQueue, taken: readonly PulledMessage[]): Promise<unknown> | undefined {
    let reading: Promise<void>[] | undefined;
    for (const pulled of taken) {
      if (pulled.message !== undefined) continue;
      const read = this.#read(consumed, pulled);
      if (read !== undefined) reading = [...(reading ?? []), read];
    }
    return reading && Promise.all(reading);
  }

  verdict(consumed: ConsumedQueue, { message, unreadable }: PulledMessage): Verdict {
    if (message === undefined) return { kind: 'unreadable', error: unreadable?.error };
    const { tags } = consumed.subscription;
    // The broker filters by hash; another tag with the same hash is none of ours.
    if (tags.size > 0 && (message.tag === undefined || !tags.has(message.tag))) return SKIP;
    for (const { plugin, accepts } of this.#options.filters) {
      try {
        const accepted: unknown = accepts(message, consumed.shown);
        if (accepted === true) continue;
        if (accepted === false) return SKIP;
        watchRejection(accepted, () => {});
        throw new TypeError('a filter says true or false at once, and returns no promise');
      } catch (error) {
        return { kind: 'fail', error: filterFailed(plugin, error) };
      }
    }
    return DELIVER;
  }

  #read(consumed: ConsumedQueue, pulled: PulledMessage): Promise<void> | undefined {
    const take = (message: ReceivedMessage): void => {
      pulled.message = message;
      pulled.unreadable = undefined;
    };
    const fail = (error: unknown): void => {
      pulled.unreadable = { error };
    };
    try {
      const message = this.#options.decode(pulled, consumed);
      if (message instanceof Promise) return message.then(take, fail);
      take(message);
    } catch (error) {
      fail(error);
    }
    return undefined;
  }
}
