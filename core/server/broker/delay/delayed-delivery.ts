import { withPropertiesIfRoom } from '../../../message/edited-properties.js';
import { readRecord, type StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SystemTopic, TIMER_TOPIC } from '../../../message/system-topics.js';
import type { Clock } from '../../../runtime/clock.js';
import type { Logger } from '../../../runtime/logger.js';
import { type AppendStatus, isStored, type MessageStore, type StoreMessage } from '../message-store.js';
import { realDestinationIn } from '../send/real-destination.js';
import { republish } from '../send/republish.js';
import type { BrokerSettings } from '../settings/broker-settings.js';
import type { DelaySource, DueBatch } from './delay-source.js';
import { recallKey } from './recall-key.js';
import { visitRecords } from './visit-records.js';

/** What could not be delivered is tried again after. */
const RETRY_MS = 1_000;
const NONE_RECALLED: ReadonlySet<string> = new Set();

export interface DelayedDeliveryParts {
  readonly store: MessageStore;
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the log shows to be delivered already, by {@link originOf}. */
  readonly delivered: Set<number>;
}

/**
 * Puts what is due into the topic it is for. The new record says which one it stands for, in `preparedTransactionOffset`,
 * which means something in half messages only: so that a start after a kill knows what was delivered.
 */
export class DelayedDelivery {
  readonly #parts: DelayedDeliveryParts;
  readonly #recalled = new WeakMap<readonly number[], { readonly count: number; readonly keys: ReadonlySet<string> }>();

  constructor(parts: DelayedDeliveryParts) {
    this.#parts = parts;
  }

  /** Delivers a batch; each of its offsets is settled, or put back, when this resolves. Never rejects. */
  async deliver(source: DelaySource, batch: DueBatch): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const { offsets, recalls } = batch;
    const putBack = (offset: number): void => source.putBack(offset, clock.monotonic() + RETRY_MS, recalls);
    /** How many of the offsets, in their order, were seen to. */
    let seen = 0;
    /** Given to the store and not answered. */
    let waiting = 0;
    let answered: (() => void) | undefined;
    const end = (offset: number, isSettled: boolean): void => {
      if (isSettled) source.settle(offset);
      else putBack(offset);
    };
    const skipTo = (offset: number): void => {
      for (; seen < offsets.length && offsets[seen] !== offset; seen++) source.settle(offsets[seen]!);
    };
    try {
      const recalled = recalls.length === 0 ? NONE_RECALLED : await this.#recalledBy(source, recalls);
      await visitRecords(store, source, offsets, (offset, bytes, position) => {
        skipTo(offset);
        seen++;
        const message = this.#messageOf(readRecord(bytes, position), recalled);
        if (message === undefined) {
          source.settle(offset);
          return;
        }
        waiting++;
        store.append(message, ({ status }) => {
          end(offset, this.#isSettledBy(status, message));
          if (--waiting === 0) answered?.();
        });
      });
      skipTo(Number.POSITIVE_INFINITY);
    } catch (error) {
      logger.error('delayed messages could not be read', { topic: source.topic, queueId: source.queueId, error });
      for (const offset of offsets.slice(seen)) putBack(offset);
    }
    store.flushTurn();
    if (waiting > 0) await new Promise<void>((resolve) => (answered = resolve));
  }

  /** Undefined when there is nothing to deliver: it was, or somebody took it back, or it does not say where to. */
  #messageOf(record: StoredRecord, recalled: ReadonlySet<string>): StoreMessage | undefined {
    const { settings, clock, logger, delivered } = this.#parts;
    if (delivered.size > 0 && delivered.delete(originOf(record))) return undefined;
    const text = record.properties.toString();
    const real = realDestinationIn(text);
    const { queueOffset, topic, queueId } = record;
    if (real === undefined || real.topic === SystemTopic.TRANS_HALF) {
      logger.error('a delayed message is dropped: it does not say where it belongs', { topic, queueId, queueOffset });
      return undefined;
    }
    if (recalled.size > 0) {
      const uniqueKey = findProperty(text, PropertyName.UNIQ_KEY);
      if (uniqueKey !== undefined && recalled.has(recallKey(real.topic, uniqueKey))) return undefined;
    }
    return republish(record, {
      topic: real.topic,
      queueId: real.queueId,
      properties: topic === TIMER_TOPIC ? timerProperties(text, record.storeTimestamp, clock.now()) : text,
      preparedTransactionOffset: originOf(record),
      storeHost: settings.storeHost,
    });
  }

  #isSettledBy(status: AppendStatus, { topic, queueId }: StoreMessage): boolean {
    if (isStored(status)) return true;
    if (status !== 'MESSAGE_ILLEGAL') return false;
    this.#parts.logger.error('a delayed message is dropped: the store finds it illegal', { topic, queueId });
    return true;
  }

  async #recalledBy(source: DelaySource, recalls: readonly number[]): Promise<ReadonlySet<string>> {
    const known = this.#recalled.get(recalls);
    if (known?.count === recalls.length) return known.keys;
    const keys = new Set<string>();
    const count = recalls.length;
    await visitRecords(this.#parts.store, source, recalls, (_offset, bytes, position) => {
      const { properties } = readRecord(bytes, position);
      const key = findProperty(properties.toString(), PropertyName.TIMER_DEL_UNIQKEY);
      if (key !== undefined) keys.add(key);
    });
    this.#recalled.set(recalls, { count, keys });
    return keys;
  }
}

/**
 * What a delivered record says in `preparedTransactionOffset` of the one that waited: the position behind the first byte of
 * that one. It is never 0, and never where a record begins, as those of transactions are.
 */
export function originOf({ physicalOffset }: StoredRecord): number {
  return physicalOffset + 1;
}

/** What 5.x notes in a timer's properties when it delivers it, where there is room. */
function timerProperties(text: string, enqueuedMs: number, dequeuedMs: number): string {
  const noted = { [PropertyName.TIMER_ENQUEUE_MS]: enqueuedMs, [PropertyName.TIMER_DEQUEUE_MS]: dequeuedMs };
  return withPropertiesIfRoom(text, noted) ?? text;
}
