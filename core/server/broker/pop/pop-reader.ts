import { inject, injectable } from 'inversify';
import { readRecord } from '../../../message/message-record.js';
import { popRetryTopicOf } from '../../../message/system-topics.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { BrokerSettings } from '../broker-settings.js';
import { type GetResult, MessageStore } from '../message-store.js';
import type { PullFilter } from '../processors/pull-check.js';
import { TopicConfigManager } from '../topic-config-manager.js';
import type { Checkpoint } from './checkpoint.js';
import type { PopRequest } from './pop-fields.js';
import { PopOffsets, type PopQueue } from './pop-offsets.js';
import type { PopReceipt, RetryFlag } from './pop-receipt.js';
import { asOriginal } from './popped-record.js';
import { isStored, REVIVE_QUEUE_NUMS, ReviveLog } from './revive-log.js';

/** Of so many pops one looks for retries first; the others do when there is room left (popFromRetryProbability 20). */
const RETRY_FIRST_EVERY = 5;
/** Once from where the group is, once from where the queue begins or ends. */
const TRIES_MAX = 2;

/** Messages of one queue for one consumer. */
export interface PoppedQueue {
  readonly retryFlag: RetryFlag;
  readonly queueId: number;
  readonly startOffset: number;
  readonly offsets: readonly number[];
  /** As the consumer gets them. */
  readonly records: readonly Buffer[];
}

export interface Popped {
  readonly popTime: number;
  readonly reviveQueueId: number;
  readonly queues: readonly PoppedQueue[];
  /** Messages that are left in the queues that were asked for. */
  readonly restNum: number;
  /** Why messages that are there cannot be handed out; undefined where they can. */
  readonly failure: string | undefined;
}

interface Source {
  readonly topic: string;
  readonly retryFlag: RetryFlag;
  readonly queueId: number;
}

/** What came of one queue, once its checkpoint is stored. */
type Taken = Promise<PoppedQueue | { readonly failure: string }>;

interface Found {
  readonly count: number;
  readonly taken: Taken;
}

/** One pop on its way through the queues. */
interface Turn {
  readonly request: PopRequest;
  readonly filter: PullFilter;
  readonly messagesMax: number;
  readonly popTime: number;
  readonly reviveQueueId: number;
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
  readonly #reviveLog: ReviveLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #pops = 0;

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(PopOffsets) offsets: PopOffsets,
    @inject(ReviveLog) reviveLog: ReviveLog,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#reviveLog = reviveLog;
    this.#clock = clock;
    this.#logger = logger;
  }

  async pop(request: PopRequest, config: TopicConfig, filter: PullFilter): Promise<Popped> {
    await this.#reviveLog.ready();
    const turn = this.#pops++;
    const reviveQueueId = turn % REVIVE_QUEUE_NUMS;
    const popTime = this.#clock.now();
    const sources = this.#sources(request, config, turn);
    const taken: Taken[] = [];
    let left = Math.max(1, request.maxMsgNums);
    for (const source of sources) {
      if (left === 0) break;
      const found = await this.#from(source, { request, filter, messagesMax: left, popTime, reviveQueueId });
      if (found === undefined) continue;
      left -= found.count;
      taken.push(found.taken);
    }
    const ended = await Promise.all(taken);
    const queues = ended.filter((each) => 'records' in each);
    const restNum = sources.reduce((sum, { topic, queueId }) => {
      return sum + Math.max(0, this.#offsets.countOf(request.group, topic, queueId));
    }, 0);
    const failure = ended.find((each) => 'failure' in each)?.failure;
    return { popTime, reviveQueueId, queues, restNum, failure };
  }

  /** Whether a group could pop something. */
  hasMessages(request: Pick<PopRequest, 'group' | 'topic' | 'queueId'>, config: TopicConfig): boolean {
    return this.#sources(request, config, 0).some(
      ({ topic, queueId }) => this.#offsets.countOf(request.group, topic, queueId) > 0,
    );
  }

  /** The queues to look at, in order: not always the same first, and retries now and then in front. */
  #sources(
    { group, topic, queueId }: Pick<PopRequest, 'group' | 'topic' | 'queueId'>,
    config: TopicConfig,
    turn: number,
  ) {
    const of = (name: string, retryFlag: RetryFlag, queueNums: number): Source[] =>
      Array.from({ length: queueNums }, (_, index) => ({
        topic: name,
        retryFlag,
        queueId: (turn + index) % queueNums,
      }));
    const retryTopic = popRetryTopicOf(topic, group);
    const retries = of(retryTopic, '1', this.#topics.find(retryTopic)?.readQueueNums ?? 0);
    const own = queueId < 0 ? of(topic, '0', config.readQueueNums) : [{ topic, retryFlag: '0' as const, queueId }];
    return turn % RETRY_FIRST_EVERY === 0 ? [...retries, ...own] : [...own, ...retries];
  }

  /** Messages from where the group is; undefined without any. */
  async #from({ topic, queueId, retryFlag }: Source, turn: Turn): Promise<Found | undefined> {
    const { group, initMode } = turn.request;
    for (let tries = 0; tries < TRIES_MAX; ) {
      const queue = this.#offsets.queue(group, topic, queueId, initMode);
      if (queue.reading !== undefined) {
        await queue.reading;
        continue;
      }
      const read = this.#get(queue, turn);
      const found =
        'then' in read ? await this.#alone(queue, read, turn, retryFlag) : this.#claim(queue, read, turn, retryFlag);
      if (found !== 'again') return found;
      tries++;
    }
    return undefined;
  }

  #get(queue: PopQueue, { messagesMax, filter }: Turn): GetResult | Promise<GetResult> {
    const { matchesTagsCode, matchesRecord } = filter;
    return this.#store.get(queue.topic, queue.queueId, queue.next, {
      messagesMax,
      ...(matchesTagsCode && { matchesTagsCode }),
      ...(matchesRecord && { matchesRecord }),
    });
  }

  /** Nobody else may take what is being read from the disk. */
  async #alone(queue: PopQueue, read: Promise<GetResult>, turn: Turn, retryFlag: RetryFlag) {
    const { epoch } = queue;
    let release = (): void => {};
    queue.reading = new Promise<void>((resolve) => {
      release = resolve;
    });
    try {
      const result = await read;
      // Meanwhile an operator may have sent the group elsewhere.
      return epoch === queue.epoch ? this.#claim(queue, result, turn, retryFlag) : 'again';
    } finally {
      queue.reading = undefined;
      release();
    }
  }

  /** What was read becomes this consumer's, before anybody else looks. */
  #claim(queue: PopQueue, result: GetResult, turn: Turn, retryFlag: RetryFlag): Found | 'again' | undefined {
    const { status, nextBeginOffset, records } = result;
    const { topic, group, queueId, next } = queue;
    if (records.length > 0) return { count: records.length, taken: this.#take(queue, result, turn, retryFlag) };
    if (status === 'OFFSET_TOO_SMALL' || status === 'OFFSET_OVERFLOW_BADLY' || status === 'OFFSET_FOUND_NULL') {
      this.#logger.warn('a group goes on where its queue has messages', {
        topic,
        group,
        queueId,
        next,
        nextBeginOffset,
      });
      this.#offsets.moveTo(queue, nextBeginOffset);
      return 'again';
    }
    const isPassed = status === 'NO_MATCHED_MESSAGE' || status === 'MESSAGE_WAS_REMOVING';
    if (isPassed && nextBeginOffset > next) this.#offsets.skipTo(queue, nextBeginOffset);
    return undefined;
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
      stored(isStored(result) ? result.queueOffset : undefined);
      if (!isStored(result)) return { failure: `the checkpoint is not stored: ${result.status}` };
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
