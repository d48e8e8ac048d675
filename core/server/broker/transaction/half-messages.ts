import { inject, injectable } from 'inversify';
import type { StoredRecord } from '../../../message/message-record.js';
import { isPromiseLike } from '../../../remoting/answers.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { type AppendStatus, isStored, MessageStore, type StoreMessage } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';
import {
  committedMessage,
  copiedHalfMessage,
  discardedMessage,
  type HalfMessage,
  halfMessageOf,
  opMessage,
  resumedMessage,
} from './half-message.js';
import { recordsOf } from './queue-records.js';
import { recoverWindow } from './recover-window.js';
import {
  DISCARD_TOPIC,
  HALF_TOPIC,
  OP_TOPIC,
  TRANSACTION_GROUP,
  TRANSACTION_QUEUE_ID,
  TRANSACTION_QUEUE_NUMS,
} from './transaction-topics.js';
import { TransactionWindow } from './transaction-window.js';

/** How a transaction ends: its message goes to its topic, nowhere, or to where the discarded ones are. */
export type TransactionEnd = 'commit' | 'rollback' | 'discard';

/** ALREADY_ENDED: nothing was stored, since it had its end. */
export type EndStatus = AppendStatus | 'ALREADY_ENDED';

/** Where a half message lies after it was stored once more. */
export interface CopyPlace {
  readonly offset: number;
  readonly commitLogOffset: number;
}

/** Where a copy lies, or why there is none. */
export type CopyResult = CopyPlace | Exclude<EndStatus, 'PUT_OK' | 'FLUSH_DISK_TIMEOUT'>;

const KEEP_PERIOD_MS = 5_000;

/**
 * The half messages that wait for their end, and how they get it: a message and the record of its end are stored together,
 * and what a crash leaves of the two is mended at the next start, so that each is delivered once or not at all. Does what
 * Apache's TransactionalMessageBridge and half of its TransactionalMessageServiceImpl do.
 */
@injectable()
export class HalfMessages implements BrokerService {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  /** By root: half messages that are just being stored once more. */
  readonly #copying = new Map<number, Promise<unknown>>();
  /** Places of discarded ones that were begun anew. */
  readonly #resumed = new Set<number>();
  #window = new TransactionWindow(0);
  /** Their message is out; what is missing is the record that they have their end. */
  #delivered: readonly HalfMessage[] = [];

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#clock = clock;
    this.#scheduler = new Scheduler(clock, logger);
  }

  async load(): Promise<void> {
    const kept = (topic: string) => this.#offsets.query(TRANSACTION_GROUP, topic, TRANSACTION_QUEUE_ID);
    const { window, delivered } = await recoverWindow(this.#store, { half: kept(HALF_TOPIC), op: kept(OP_TOPIC) });
    this.#window = window;
    this.#store.keep(() => {
      const { from } = this.bounds();
      const [entry] = this.#store.entries(HALF_TOPIC, TRANSACTION_QUEUE_ID, from, 1).entries;
      return entry?.commitLogOffset ?? Number.POSITIVE_INFINITY;
    });
    this.#delivered = delivered;
    await this.#endDelivered();
  }

  start(): void {
    this.#scheduler.every('broker: keep how far transactions are', { periodMs: KEEP_PERIOD_MS }, async () => {
      await this.#endDelivered();
      this.#keep();
    });
  }

  async close(): Promise<void> {
    await this.#scheduler.close();
    await Promise.all(this.#copying.values());
    this.#keep();
  }

  /** Makes the topics that half messages need. What to wait for, while they are only just being written down. */
  makeTopics(): Promise<unknown> | undefined {
    const half = this.#saving(HALF_TOPIC);
    const op = this.#saving(OP_TOPIC);
    return half === undefined && op === undefined ? undefined : Promise.all([half, op]);
  }

  /** Offset of the oldest half message that may be open, and the one after the newest. */
  bounds(): { readonly from: number; readonly to: number } {
    this.#window.removedBelow(this.#store.minOffset(HALF_TOPIC, TRANSACTION_QUEUE_ID));
    return { from: this.#window.base, to: this.#store.maxOffset(HALF_TOPIC, TRANSACTION_QUEUE_ID) };
  }

  /** Half messages in that part of the queue that are not done, some at a time, oldest first. */
  async *open(from: number, to: number): AsyncGenerator<readonly HalfMessage[]> {
    for await (const records of recordsOf(this.#store, HALF_TOPIC, from, to)) {
      yield records.map(halfMessageOf).filter((half) => this.#window.openOffset(half) === half.offset);
    }
  }

  /** The half message at a place of the log, at once where it is young; undefined when there is none. */
  at(commitLogOffset: number): HalfMessage | undefined | Promise<HalfMessage | undefined> {
    const found = commitLogOffset < 0 ? undefined : this.#store.recordAt(commitLogOffset);
    return isPromiseLike(found) ? found.then(halfMessageIn) : halfMessageIn(found);
  }

  /**
   * Gives a transaction its end, whichever of its copies is named. A second end changes nothing. `done` is called once:
   * when the store has it, or at once when nothing is to be stored.
   */
  end(half: HalfMessage, end: TransactionEnd, done: (status: EndStatus) => void): void {
    const copying = this.#copying.get(half.root);
    if (copying === undefined) this.#endNow(half, end, done);
    else void copying.then(() => this.end(half, end, done));
  }

  /**
   * Stores a half message once more, asked about so many times, so that the queue moves on while it stays open. Not when
   * it has its end meanwhile.
   */
  copy(half: HalfMessage, checkTimes: number): Promise<CopyResult> {
    if (this.#window.openOffset(half) !== half.offset) return Promise.resolve('ALREADY_ENDED');
    const message = copiedHalfMessage(half, checkTimes, this.#settings.storeHost);
    const copied = new Promise<CopyResult>((resolve) => {
      this.#store.append(message, ({ status, queueOffset, commitLogOffset }) => {
        if (!isStored(status)) {
          resolve(status);
          return;
        }
        this.#window.copied(half, queueOffset);
        resolve({ offset: queueOffset, commitLogOffset });
      });
    });
    // Not in the callback, which a store that refuses calls before there is an entry; and in front of all that wait for it.
    void copied.then(() => this.#copying.delete(half.root));
    this.#copying.set(half.root, copied);
    return copied;
  }

  /** Puts a transaction that nobody ended to where those are kept, or drops it where the store takes it nowhere any more. */
  async discard(half: HalfMessage): Promise<EndStatus> {
    await this.#saving(DISCARD_TOPIC);
    const status = await this.#endAndWait(half, 'discard');
    if (status === 'MESSAGE_ILLEGAL') await this.#endAndWait(half, 'rollback');
    return status;
  }

  /**
   * Begins a transaction anew that was discarded: it is checked like a new one. A second time is refused, as far as this
   * process saw the first, and so is a record that is none.
   */
  async resume(discarded: StoredRecord): Promise<EndStatus> {
    if (discarded.topic !== DISCARD_TOPIC || this.#resumed.has(discarded.physicalOffset)) return 'ALREADY_ENDED';
    this.#resumed.add(discarded.physicalOffset);
    await this.makeTopics();
    const message = resumedMessage(discarded, this.#settings.storeHost);
    const status = await new Promise<AppendStatus>((resolve) => {
      this.#store.append(message, (result) => resolve(result.status));
    });
    if (!isStored(status)) this.#resumed.delete(discarded.physicalOffset);
    return status;
  }

  /** While the store takes nothing they stay as if they were just ending: nobody is asked about them, and none is ended again. */
  async #endDelivered(): Promise<void> {
    const left: HalfMessage[] = [];
    for (const half of this.#delivered) {
      this.#window.stillOpen(half.offset);
      const status = await this.#endAndWait(half, 'rollback');
      if (status === 'ALREADY_ENDED' || isStored(status)) continue;
      this.#window.ending(half.offset);
      left.push(half);
    }
    this.#delivered = left;
  }

  #endAndWait(half: HalfMessage, end: TransactionEnd): Promise<EndStatus> {
    return new Promise((resolve) => this.end(half, end, resolve));
  }

  #endNow(half: HalfMessage, end: TransactionEnd, done: (status: EndStatus) => void): void {
    const offset = this.#window.openOffset(half);
    if (offset === undefined) {
      done('ALREADY_ENDED');
      return;
    }
    const { storeHost } = this.#settings;
    const op = opMessage(offset, storeHost, this.#clock.now());
    if (end === 'rollback') {
      this.#storeEnd(half, offset, [op], done);
      return;
    }
    const message = end === 'commit' ? committedMessage(half, storeHost) : discardedMessage(half, storeHost);
    if (message === undefined) done('MESSAGE_ILLEGAL');
    else this.#storeEnd(half, offset, [message, op], done);
  }

  #storeEnd(
    { root }: HalfMessage,
    offset: number,
    messages: readonly StoreMessage[],
    done: (status: EndStatus) => void,
  ): void {
    // Where the op record comes to lie, or before: others may be on their way.
    const opOffset = this.#store.maxOffset(OP_TOPIC, TRANSACTION_QUEUE_ID);
    this.#window.ending(offset);
    this.#store.appendTogether(messages, ({ status }) => {
      if (isStored(status)) this.#window.ended({ offset, root }, opOffset);
      else this.#window.stillOpen(offset);
      done(status);
    });
  }

  #saving(topic: string): Promise<void> | undefined {
    this.#topics.createPlain(topic, TRANSACTION_QUEUE_NUMS, 0);
    return this.#topics.savingOf(topic);
  }

  /** Offsets that a power failure would leave ahead of the log would make open transactions done. */
  #keep(): void {
    const keep = (topic: string, offset: number): void => {
      const known = this.#offsets.query(TRANSACTION_GROUP, topic, TRANSACTION_QUEUE_ID) ?? 0;
      if (known !== offset) this.#offsets.commitRecorded(TRANSACTION_GROUP, topic, TRANSACTION_QUEUE_ID, offset);
    };
    keep(HALF_TOPIC, this.#window.base);
    keep(OP_TOPIC, this.#window.firstOp ?? this.#store.maxOffset(OP_TOPIC, TRANSACTION_QUEUE_ID));
  }
}

function halfMessageIn(record: StoredRecord | undefined): HalfMessage | undefined {
  return record?.topic === HALF_TOPIC ? halfMessageOf(record) : undefined;
}
