import { inject, injectable } from 'inversify';
import { readRecord } from '../../../message/message-record.js';
import { popRetryTopicOf } from '../../../message/system-topics.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { type GetResult, isStored, MessageStore } from '../message-store.js';
import type { PullFilter } from '../pull/pull-check.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';
import type { Checkpoint } from './checkpoint.js';
import type { PollingRequest, PopRequest } from './pop-fields.js';
import { PopOffsets, type PopQueue } from './pop-offsets.js';
import { PopOrder } from './pop-order.js';
import { ORDER_REVIVE_QUEUE, type PopReceipt, type RetryFlag } from './pop-receipt.js';
import { type PopSource, popSources } from './pop-sources.js';
import { asOriginal } from './popped-record.js';
import { REVIVE_QUEUE_NUMS, ReviveLog } from './revive-log.js';

/** Once from where the group is, once from where the queue begins or ends. */
const TRIES_MAX = 2;

/**
 * Bytes of messages after which no further queue is read. Each queue gives at least one message, however long, and a client
 * reads no answer of more than 16 MiB.
 */
const SIZE_BYTES_MAX = 4 * 1024 * 1024;

/** Messages of one queue for one consumer. */
export interface PoppedQueue {
  readonly retryFlag: RetryFlag;
  readonly queueId: number;
  readonly startOffset: number;
  readonly offsets: readonly number[];
  /** As the consumer gets them. */
  readonly records: readonly Buffer[];
  /** Items of orderCountInfo; of orders only. */
  readonly counts?: readonly string[];
}

export interface Popped {
  readonly popTime: number;
  readonly reviveQueueId: number;
  readonly queues: readonly PoppedQueue[];
  /** Messages that are left in the queues that were asked for. */
  readonly restNum: number;
  /** Whether looking again at once may find some. */
  readonly isMore: boolean;
  /** Why messages that are there cannot be handed out; undefined where they can. */
  readonly failure: string | undefined;
}

/** What came of one queue, once its checkpoint is stored. */
type Taken = Promise<PoppedQueue | { readonly failure: string }>;

/** One pop on its way through the queues. */
interface Turn {
  readonly request: PopRequest;
  readonly filter: PullFilter;
  readonly popTime: number;
  readonly reviveQueueId: number;
  /** Messages that may still be taken, and bytes of them. */
  left: number;
  leftBytes: number;
  readonly taken: Taken[];
  /** The queues that were read, and where they ended. */
  readonly read: (readonly [queue: PopQueue, maxOffset: number])[];
  /** Some messages were passed over, and others lie behind them. */
  isPassedOver: boolean;
}

/**
 * Hands messages to a consumer: reads the queues in turn, and notes each queue's messages in a checkpoint before they leave.
 * Matches popMsgFromQueue of Apache's PopMessageProcessor (5.x).
 */
@injectable()
export class PopReader {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #offsets: PopOffsets;
  readonly #order: PopOrder;
  readonly #reviveLog: ReviveLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #pops = 0;

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(PopOffsets) offsets: PopOffsets,
    @inject(PopOrder) order: PopOrder,
    @inject(ReviveLog) reviveLog: ReviveLog,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#order = order;
    this.#reviveLog = reviveLog;
    this.#clock = clock;
    this.#logger = logger;
  }

  async pop(request: PopRequest, config: TopicConfig, filter: PullFilter): Promise<Popped> {
    await this.#reviveLog.ready();
    const count = this.#pops++;
    const reviveQueueId = request.order ? ORDER_REVIVE_QUEUE : count % REVIVE_QUEUE_NUMS;
    const popTime = this.#clock.now();
    const left = Math.max(1, request.maxMsgNums);
    const turn: Turn = {
      ...{ request, filter, popTime, reviveQueueId, left, leftBytes: SIZE_BYTES_MAX },
      ...{ taken: [], read: [], isPassedOver: false },
    };
    const sources = this.#sources(request, config, count);
    for (const source of sources) {
      if (turn.left === 0 || turn.leftBytes <= 0) break;
      await this.#from(source, turn);
    }
    const ended = await Promise.all(turn.taken);
    const { group } = request;
    const restNum = sources
      .filter((source) => !request.order || !this.#order.isBlocked({ ...source, group }))
      .reduce((sum, { topic, queueId }) => sum + Math.max(0, this.#offsets.countOf(group, topic, queueId)), 0);
    const arrived = turn.read.some(([{ topic, queueId }, end]) => this.#store.maxOffset(topic, queueId) > end);
    return {
      popTime,
      reviveQueueId,
      queues: ended.filter((each) => 'records' in each),
      restNum,
      isMore: turn.isPassedOver || arrived,
      failure: ended.find((each) => 'failure' in each)?.failure,
    };
  }

  /** Whether a group could pop something. */
  hasMessages(request: PollingRequest, config: TopicConfig): boolean {
    const { group, order, attemptId } = request;
    return this.#sources(request, config, 0).some(({ topic, queueId }) => {
      const isBlocked = order && this.#order.isBlocked({ group, topic, queueId }, attemptId);
      return !isBlocked && this.#offsets.countOf(group, topic, queueId) > 0;
    });
  }

  #sources(request: PollingRequest, { readQueueNums: queueNums }: TopicConfig, turn: number): readonly PopSource[] {
    const retries = request.order ? undefined : this.#topics.find(popRetryTopicOf(request.topic, request.group));
    return popSources(request, { queueNums, retryQueueNums: retries?.readQueueNums ?? 0, turn });
  }

  /** Messages from where the group is, if there are some. */
  async #from({ topic, queueId, retryFlag }: PopSource, turn: Turn): Promise<void> {
    const { group, initMode, order, attemptId } = turn.request;
    for (let tries = 0; tries < TRIES_MAX; ) {
      const queue = this.#offsets.queue(group, topic, queueId, initMode);
      if (queue.reading !== undefined) {
        await queue.reading;
        continue;
      }
      if (order && this.#offsets.wasReset(queue)) this.#order.clear(queue);
      if (order && this.#order.isBlocked(queue, attemptId)) return;
      const read = this.#get(queue, turn);
      const isDone =
        'then' in read ? await this.#alone(queue, read, turn, retryFlag) : this.#claim(queue, read, turn, retryFlag);
      if (isDone) return;
      tries++;
    }
  }

  #get(queue: PopQueue, { left, filter }: Turn): GetResult | Promise<GetResult> {
    const { matchesTagsCode, matchesRecord } = filter;
    return this.#store.get(queue.topic, queue.queueId, queue.next, {
      messagesMax: left,
      ...(matchesTagsCode && { matchesTagsCode }),
      ...(matchesRecord && { matchesRecord }),
    });
  }

  /** Nobody else may take what is being read from the disk. */
  async #alone(queue: PopQueue, read: Promise<GetResult>, turn: Turn, retryFlag: RetryFlag): Promise<boolean> {
    const { epoch } = queue;
    let release = (): void => {};
    queue.reading = new Promise<void>((resolve) => {
      release = resolve;
    });
    try {
      const result = await read;
      // Meanwhile an operator may have sent the group elsewhere.
      return epoch === queue.epoch && this.#claim(queue, result, turn, retryFlag);
    } finally {
      queue.reading = undefined;
      release();
    }
  }

  /** What was read becomes this consumer's, before anybody else looks. False: it has to be read again. */
  #claim(queue: PopQueue, result: GetResult, turn: Turn, retryFlag: RetryFlag): boolean {
    const { status, nextBeginOffset, maxOffset, records } = result;
    const { topic, group, queueId, next } = queue;
    turn.read.push([queue, maxOffset]);
    if (records.length > 0) {
      turn.left -= records.length;
      for (const { length } of records) turn.leftBytes -= length;
      turn.taken.push(
        turn.request.order ? this.#takeInOrder(queue, result, turn) : this.#take(queue, result, turn, retryFlag),
      );
      return true;
    }
    if (status === 'OFFSET_TOO_SMALL' || status === 'OFFSET_OVERFLOW_BADLY' || status === 'OFFSET_FOUND_NULL') {
      const facts = { topic, group, queueId, next, nextBeginOffset };
      this.#logger.warn('a group goes on where its queue has messages', facts);
      this.#offsets.moveTo(queue, nextBeginOffset);
      return false;
    }
    const isPassed = status === 'NO_MATCHED_MESSAGE' || status === 'MESSAGE_WAS_REMOVING';
    if (isPassed && nextBeginOffset > next) {
      this.#offsets.skipTo(queue, nextBeginOffset);
      turn.isPassedOver ||= nextBeginOffset < maxOffset;
    }
    return true;
  }

  /** The group stays where it is: until the messages are acknowledged it is their queue that waits. */
  #takeInOrder(queue: PopQueue, { records }: GetResult, { request, popTime }: Turn): Taken {
    const { queueId, next: startOffset } = queue;
    const { invisibleTime, attemptId } = request;
    const offsets = records.map((bytes) => readRecord(bytes, 0).queueOffset);
    const counts = this.#order.popped(queue, { popTime, invisibleTime, offsets, attemptId });
    return Promise.resolve({ retryFlag: '0', queueId, startOffset, offsets, records, counts });
  }

  #take(queue: PopQueue, found: GetResult, turn: Turn, retryFlag: RetryFlag): Taken {
    const { brokerName } = this.#settings;
    const { popTime, reviveQueueId } = turn;
    const { invisibleTime, topic } = turn.request;
    const { queueId, next: startOffset } = queue;
    const offsets = found.records.map((bytes) => readRecord(bytes, 0).queueOffset);
    const stored = this.#offsets.take(queue, found.nextBeginOffset);
    const name = { topic: queue.topic, group: queue.group, queueId, startOffset, popTime, brokerName };
    const checkpoint: Checkpoint = { ...name, invisibleTime, offsets, ackedBits: 0 };
    const message = this.#reviveLog.checkpointMessage(checkpoint, reviveQueueId);
    if ('code' in message) {
      stored(undefined);
      return Promise.resolve({ failure: message.remark ?? 'the checkpoint is illegal' });
    }
    return this.#reviveLog.append(message).then((result) => {
      stored(isStored(result.status) ? result.queueOffset : undefined);
      if (!isStored(result.status)) return { failure: `the checkpoint is not stored: ${result.status}` };
      const receipt: PopReceipt = {
        startOffset,
        popTime,
        invisibleTime,
        reviveQueueId,
        retryFlag,
        brokerName,
        queueId,
      };
      const records =
        retryFlag === '0' ? found.records : found.records.map((bytes) => asOriginal(bytes, topic, receipt));
      return { retryFlag, queueId, startOffset, offsets, records };
    });
  }
}
