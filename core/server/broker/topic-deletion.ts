import { inject, injectable } from 'inversify';
import { popRetryTopicOf, popRetryTopicV2Of } from '../../message/system-topics.js';
import { Logger } from '../../runtime/logger.js';
import { ConsumerOffsetManager } from './groups/consumer-offset-manager.js';
import { MessageStore } from './message-store.js';
import { PopOffsets } from './pop/pop-offsets.js';
import { PopOrder } from './pop/pop-order.js';
import { PopWaiting } from './pop/pop-waiting.js';
import { HeldPulls } from './pull/held-pulls.js';
import { Registration } from './registration.js';
import { BrokerStats } from './stats/broker-stats.js';
import { TopicConfigManager } from './topics/topic-config-manager.js';

/**
 * Takes topics out of the broker: messages, settings, offsets, and the topics that groups' popped messages come back in.
 * `%RETRY%` and `%DLQ%` of groups stay, they belong to no single topic. Matches deleteTopic of Apache's
 * AdminBrokerProcessor (5.x; 4.9 leaves offsets, with which a group would pass over the first messages of a new topic).
 *
 * What was popped and not acknowledged goes with the topic; where that is made again before the invisible time is over,
 * messages at the same offsets may come twice.
 *
 * In memory all of it happens at once; on the disk in this order: the messages, the offsets, the topic. A topic whose
 * deletion a kill cut short is still listed, and is deleted by deleting it again.
 */
@injectable()
export class TopicDeletion {
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #popOffsets: PopOffsets;
  readonly #popOrder: PopOrder;
  readonly #heldPulls: HeldPulls;
  readonly #popWaiting: PopWaiting;
  readonly #stats: BrokerStats;
  readonly #registration: Registration;
  readonly #logger: Logger;

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(PopOffsets) popOffsets: PopOffsets,
    @inject(PopOrder) popOrder: PopOrder,
    @inject(HeldPulls) heldPulls: HeldPulls,
    @inject(PopWaiting) popWaiting: PopWaiting,
    @inject(BrokerStats) stats: BrokerStats,
    @inject(Registration) registration: Registration,
    @inject(Logger) logger: Logger,
  ) {
    this.#store = store;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#popOffsets = popOffsets;
    this.#popOrder = popOrder;
    this.#heldPulls = heldPulls;
    this.#popWaiting = popWaiting;
    this.#stats = stats;
    this.#registration = registration;
    this.#logger = logger;
  }

  /**
   * Resolves when the topic is gone from the disk too, and no registration on its way says otherwise.
   * @throws what the store says when it cannot remove the messages
   */
  async delete(topic: string): Promise<void> {
    for (const each of [topic, ...this.#popRetryTopics(topic)]) this.#forget(each);
    await this.#offsets.save();
    await this.#topics.flush();
    await this.#registration.changed();
  }

  /** Removes messages of topics that are not there: what came due for a topic that was deleted before. */
  cleanUnused(): void {
    const unused = new Set<string>();
    for (const { topic } of this.#store.queues()) {
      if (this.#topics.find(topic) === undefined && !this.#topics.isSystemTopic(topic)) unused.add(topic);
    }
    for (const topic of unused) this.#store.deleteTopic(topic);
  }

  #popRetryTopics(topic: string): string[] {
    return this.#offsets
      .groupsOf(topic)
      .flatMap((group) => [popRetryTopicOf(topic, group), popRetryTopicV2Of(topic, group)])
      .filter((retryTopic) => this.#topics.find(retryTopic) !== undefined);
  }

  #forget(topic: string): void {
    // The only one that may fail: before all others.
    this.#store.deleteTopic(topic);
    this.#topics.remove(topic);
    this.#offsets.removeTopic(topic);
    this.#popOffsets.forgetTopic(topic);
    this.#popOrder.clearTopic(topic);
    this.#stats.forgetTopic(topic);
    // Those who wait for its messages are told that it is gone.
    this.#heldPulls.wakeTopic(topic);
    this.#popWaiting.wakeTopic(topic);
    this.#logger.info('a topic was deleted', { topic });
  }
}
