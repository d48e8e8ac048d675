import { inject, injectable } from 'inversify';
import { readRecord, type StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { Clock, type Timer } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerService } from '../broker-service.js';
import { DelayService } from '../delay/delay-service.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { isStored, MessageStore } from '../message-store.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';
import { reviveTimeOf } from './checkpoint.js';
import { originalTopicOf } from './pop-receipt.js';
import { REVIVE_GROUP, REVIVE_QUEUE_NUMS, ReviveLog } from './revive-log.js';
import { revivedMessage } from './revive-message.js';
import { ReviveQueue, type WaitingCheckpoint } from './revive-queue.js';

const MESSAGES_PER_READ = 32;
/** Acknowledgements of a second arrive together: so long they are waited for, again and again. */
const LOOK_AGAIN_MS = 20;
/** What could not be delivered is tried again after. */
const RETRY_MS = 1_000;
/** A clock that jumps is noticed after this long at the latest. */
const LOOK_MS_MAX = 1_000;
const RETRY_QUEUE_NUMS = 1;
const CHECKPOINTS_TOGETHER = 32;

/**
 * Delivers again what was popped and not acknowledged in time. It reads the revive topic, which checkpoints reach just before
 * they fall due and acknowledgements behind them, and keeps nothing else: a start reads on from what is settled. Matches
 * Apache's PopReviveService.
 *
 * Directly behind each message that it delivers goes its acknowledgement, in one write: a start after a kill knows what came
 * back already, but for a kill in the middle of that write.
 */
@injectable()
export class ReviveService implements BrokerService {
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #delays: DelayService;
  readonly #log: ReviveLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #queues: ReviveQueue[] = [];
  #timer: Timer | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  /** Something came while it looked. */
  #isMore = false;
  #isStarted = false;
  #isClosed = false;

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(DelayService) delays: DelayService,
    @inject(ReviveLog) log: ReviveLog,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#store = store;
    this.#topics = topics;
    this.#groups = groups;
    this.#offsets = offsets;
    this.#delays = delays;
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
  }

  load(): Promise<void> {
    for (let queueId = 0; queueId < REVIVE_QUEUE_NUMS; queueId++) {
      // Apache notes the last record that is settled, not the one behind it.
      const settled = this.#offsets.query(REVIVE_GROUP, this.#log.topic, queueId) ?? -1;
      this.#queues.push(new ReviveQueue(settled + 1));
    }
    this.#store.onArrival((topic) => {
      if (topic === this.#log.topic) this.#wake(0);
    });
    return Promise.resolve();
  }

  start(): void {
    this.#isStarted = true;
    this.#wake(0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** Looks in so long, unless it looks sooner anyway. */
  #wake(inMs: number): void {
    this.#isMore = true;
    if (!this.#isStarted || this.#isClosed || this.#running !== undefined) return;
    const delayMs = Math.min(Math.max(Math.ceil(inMs), 0), LOOK_MS_MAX);
    const atMs = this.#clock.monotonic() + delayMs;
    if (atMs >= this.#wakeAtMs) return;
    this.#timer?.cancel();
    this.#wakeAtMs = atMs;
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#isMore = false;
      this.#running = this.#look()
        .catch((error: unknown) => {
          this.#logger.error('popped messages could not be looked after', { error });
          return RETRY_MS;
        })
        .then((nextMs) => {
          this.#running = undefined;
          if (this.#isMore || nextMs !== undefined) this.#wake(this.#isMore ? 0 : (nextMs ?? 0));
        });
    });
  }

  /** Reads what came and delivers what is due. Resolves with how long nothing is to be done; undefined: until something comes. */
  async #look(): Promise<number | undefined> {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [queueId, queue] of this.#queues.entries()) {
      // What falls due after this may have acknowledgements that did not arrive yet.
      const untilMs = Math.min(this.#clock.now(), this.#delays.firstTimerMs);
      await this.#read(queue, queueId);
      const failures = await this.#revive(queue, queueId, untilMs);
      if (queue.settledTo > 0) this.#commit(queueId, queue.settledTo - 1);
      if (failures > 0) nextMs = Math.min(nextMs, RETRY_MS);
      else if (queue.firstDueMs !== undefined) {
        nextMs = Math.min(nextMs, Math.max(LOOK_AGAIN_MS, queue.firstDueMs - this.#clock.now()));
      }
      if (this.#isClosed) return undefined;
    }
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  /** To the end, as far as the queue is there. */
  async #read(queue: ReviveQueue, queueId: number): Promise<void> {
    const { topic } = this.#log;
    while (queue.next < this.#store.maxOffset(topic, queueId) && !this.#isClosed) {
      const asked = this.#store.get(topic, queueId, queue.next, { messagesMax: MESSAGES_PER_READ });
      const { records, nextBeginOffset } = 'then' in asked ? await asked : asked;
      for (const bytes of records) this.#take(queue, readRecord(bytes, 0));
      if (records.length > 0) continue;
      if (nextBeginOffset <= queue.next) return;
      queue.skipTo(nextBeginOffset);
    }
  }

  #take(queue: ReviveQueue, { queueOffset, properties, body, topic, queueId }: StoredRecord): void {
    try {
      queue.take(queueOffset, findProperty(properties.toString(), PropertyName.TAGS), body);
    } catch (error) {
      this.#logger.error('a note of popped messages cannot be read', { topic, queueId, queueOffset, error });
    }
  }

  /** How many checkpoints could not be settled. */
  async #revive(queue: ReviveQueue, queueId: number, untilMs: number): Promise<number> {
    let failures = 0;
    const due = [...queue.due(untilMs)];
    for (let at = 0; at < due.length && !this.#isClosed; at += CHECKPOINTS_TOGETHER) {
      const settling = due.slice(at, at + CHECKPOINTS_TOGETHER).map(async (waiting) => {
        waiting.isReviving = true;
        const isSettled = await this.#settle(waiting, queueId).finally(() => {
          waiting.isReviving = false;
        });
        if (isSettled) queue.settle(waiting);
        else failures++;
      });
      await Promise.all(settling);
    }
    return failures;
  }

  async #settle({ checkpoint, unacked }: WaitingCheckpoint, queueId: number): Promise<boolean> {
    const { topic, group } = checkpoint;
    const config = this.#groups.find(group);
    // Nobody is left to get them.
    if (this.#topics.find(originalTopicOf(topic, group)) === undefined || config === undefined) return true;
    const ends = [...unacked].map(async (offset) => {
      const record = await this.#recordOf(topic, checkpoint.queueId, offset);
      const isDone = record === undefined || (await this.#again(checkpoint, record, config.retryMaxTimes, queueId));
      if (isDone) unacked.delete(offset);
      return isDone;
    });
    return (await Promise.all(ends)).every(Boolean);
  }

  async #recordOf(topic: string, queueId: number, offset: number): Promise<StoredRecord | undefined> {
    const asked = this.#store.get(topic, queueId, offset, { messagesMax: 1 });
    const { records } = 'then' in asked ? await asked : asked;
    const [bytes] = records;
    if (bytes === undefined) return undefined;
    const record = readRecord(bytes, 0);
    return record.queueOffset === offset ? record : undefined;
  }

  async #again(
    checkpoint: WaitingCheckpoint['checkpoint'],
    record: StoredRecord,
    retryMaxTimes: number,
    reviveQueueId: number,
  ): Promise<boolean> {
    const message = revivedMessage(record, checkpoint, retryMaxTimes);
    const { topic, group, queueId, startOffset, popTime, brokerName } = checkpoint;
    const name = { topic, group, queueId, startOffset, popTime, brokerName };
    const ack = this.#log.ackMessage(
      { ...name, offsets: [record.queueOffset] },
      reviveQueueId,
      reviveTimeOf(checkpoint),
    );
    if ('code' in ack) throw new Error(`an acknowledgement was refused: ${ack.remark}`);
    this.#topics.createPlain(message.topic, RETRY_QUEUE_NUMS, 0);
    await this.#topics.savingOf(message.topic);
    const result = await this.#log.appendTogether([message, ack]);
    if (isStored(result.status)) return true;
    const { queueOffset } = record;
    if (result.status === 'MESSAGE_ILLEGAL') {
      this.#logger.error('a popped message is dropped: the store finds it illegal', { topic, queueId, queueOffset });
      return true;
    }
    this.#logger.warn('a popped message is not delivered again yet', {
      topic,
      queueId,
      queueOffset,
      status: result.status,
    });
    return false;
  }

  #commit(queueId: number, settled: number): void {
    const { topic } = this.#log;
    if (this.#offsets.query(REVIVE_GROUP, topic, queueId) === settled) return;
    this.#offsets.commitRecorded(REVIVE_GROUP, topic, queueId, settled);
  }
}
