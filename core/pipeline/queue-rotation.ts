import type { MessageQueue } from '../message/message.js';
import type { PublishInfo } from '../routing/topic-route.js';
import type { FaultStrategy } from './fault-strategy.js';

/**
 * Takes the queues of each topic in turn, from a random start; one position a topic, shared by all sends of a producer.
 * Matches Apache's TopicPublishInfo.selectOneMessageQueue.
 */
export class QueueRotation {
  readonly #faults: FaultStrategy;
  readonly #random: () => number;
  readonly #positions = new Map<string, { at: number }>();

  /** `random` gives 0 included to 1 excluded. */
  constructor(faults: FaultStrategy, random: () => number) {
    this.#faults = faults;
    this.#random = random;
  }

  /**
   * The next queue whose broker is available and is not `avoidBroker`; when there is none, of a broker that is available;
   * when all are at fault, plainly the next.
   */
  next(info: PublishInfo, avoidBroker?: string): MessageQueue {
    const { queues } = info;
    const position = this.#positionOf(info.topic, queues.length);
    const start = position.at % queues.length;
    position.at = start + 1;
    let available: MessageQueue | undefined;
    for (let step = 0; step < queues.length; step++) {
      const index = (start + step) % queues.length;
      const queue = queues[index]!;
      if (!this.#faults.isAvailable(queue.brokerName)) continue;
      if (queue.brokerName !== avoidBroker) {
        position.at = index + 1;
        return queue;
      }
      available ??= queue;
    }
    return available ?? queues[start]!;
  }

  #positionOf(topic: string, queueCount: number): { at: number } {
    let position = this.#positions.get(topic);
    if (position === undefined) {
      position = { at: Math.floor(this.#random() * queueCount) };
      this.#positions.set(topic, position);
    }
    return position;
  }
}
