import { inject, injectable } from 'inversify';
import { withProperties } from '../../../message/edited-properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { reviveTopicOf, SYSTEM_GROUP_PREFIX, TIMER_TOPIC } from '../../../message/system-topics.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import { Clock } from '../../../runtime/clock.js';
import { MessageDelays } from '../delay/message-delays.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { type AppendBatchResult, type AppendResult, MessageStore, type StoreMessage } from '../message-store.js';
import type { Refusal } from '../refusal.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';
import {
  type Acknowledgement,
  type Checkpoint,
  type CheckpointName,
  encodeAck,
  encodeCheckpoint,
  ReviveTag,
  reviveTimeOf,
} from './checkpoint.js';

/** Apache's reviveQueueNum. */
export const REVIVE_QUEUE_NUMS = 8;
/**
 * Under whose name it is noted how far the revive topic was gone through; and of the timers, up to where checkpoints are in
 * the consumers' offsets.
 */
export const REVIVE_GROUP = `${SYSTEM_GROUP_PREFIX}REVIVE_GROUP`;
/** A checkpoint reaches the revive topic so long before it falls due: its acknowledgements come behind it. */
const AHEAD_MS = 1_000;

/**
 * Notes of what was popped and acknowledged, as messages: timers on their way to the revive topic, which they reach when
 * the checkpoint falls due. So Apache's brokers keep them too. Matches buildCkMsg of PopMessageProcessor and appendAck of
 * AckMessageProcessor (5.x).
 */
@injectable()
export class ReviveLog {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #delays: MessageDelays;
  readonly #clock: Clock;
  readonly topic: string;

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(MessageDelays) delays: MessageDelays,
    @inject(Clock) clock: Clock,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#delays = delays;
    this.#clock = clock;
    this.topic = reviveTopicOf(settings.clusterName);
  }

  /**
   * Makes the revive topic with the first pop of a directory. Resolves when a start after a kill would find it, and know
   * from where on checkpoints may be missing in the consumers' offsets.
   */
  ready(): Promise<void> | undefined {
    const isMarked = this.#offsets.query(REVIVE_GROUP, TIMER_TOPIC, 0) !== undefined;
    // Apache's brokers make the topic at their first start, and know no mark.
    if (isMarked && this.#topics.find(this.topic) !== undefined) return this.#topics.savingOf(this.topic);
    this.#topics.createPlain(this.topic, REVIVE_QUEUE_NUMS, 0);
    if (!isMarked) this.#offsets.commit(REVIVE_GROUP, TIMER_TOPIC, 0, this.#store.maxOffset(TIMER_TOPIC, 0));
    return Promise.all([this.#topics.savingOf(this.topic), this.#offsets.save()]).then(() => {});
  }

  /** It goes among the timers however soon it falls due: there a start looks for what was popped last. */
  checkpointMessage(checkpoint: Checkpoint, reviveQueueId: number): StoreMessage | Refusal {
    const deliverMs = Math.max(reviveTimeOf(checkpoint) - AHEAD_MS, this.#clock.now() + 1);
    const { CHECKPOINT } = ReviveTag;
    const key = uniqueKey(checkpoint, checkpoint.startOffset, CHECKPOINT);
    return this.#timed(this.#message(CHECKPOINT, encodeCheckpoint(checkpoint), reviveQueueId, deliverMs, key));
  }

  /** One that comes late goes to the revive topic itself. */
  ackMessage(ack: Acknowledgement, reviveQueueId: number, reviveTime: number): StoreMessage | Refusal {
    const tag = ack.offsets.length === 1 ? ReviveTag.ACK : ReviveTag.BATCH_ACK;
    const key = uniqueKey(ack, ack.offsets.length === 1 ? ack.offsets[0]! : `[${ack.offsets.join(', ')}]`, tag);
    return this.#timed(this.#message(tag, encodeAck(ack), reviveQueueId, reviveTime, key));
  }

  append(message: StoreMessage): Promise<AppendResult> {
    return new Promise((resolve) => this.#store.append(message, resolve));
  }

  appendTogether(messages: readonly StoreMessage[]): Promise<AppendBatchResult> {
    return new Promise((resolve) => this.#store.appendTogether(messages, resolve));
  }

  #timed(message: StoreMessage): StoreMessage | Refusal {
    const delayed = this.#delays.divert(message);
    return 'code' in delayed ? delayed : delayed.message;
  }

  #message(tag: string, body: Buffer, queueId: number, deliverMs: number, key: string): StoreMessage {
    const { storeHost } = this.#settings;
    const properties = withProperties('', {
      [PropertyName.TIMER_DELIVER_MS]: deliverMs,
      [PropertyName.UNIQ_KEY]: key,
      [PropertyName.TAGS]: tag,
    });
    return {
      topic: this.topic,
      queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: this.#clock.now(),
      bornHost: storeHost,
      storeHost,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body,
      properties: Buffer.from(properties),
      tagsCode: tagsCodeOf(tag),
      waitStored: true,
    };
  }
}

function uniqueKey(name: CheckpointName, offset: number | string, tag: string): string {
  const { topic, queueId, group, popTime, brokerName } = name;
  return `${topic}@${queueId}@${offset}@${group}@${popTime}@${brokerName}@${tag}`;
}
