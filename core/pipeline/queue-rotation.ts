import type { MessageQueue } from '../message/message.js';
import type { PublishInfo } from '../routing/topic-route.js';
import type { FaultStrategy, QueueTurn } from './fault-strategy.js';

const TURNS_MAX = 10_000;

/**
 * Takes the queues of each topic in turn, from a random start; one position a topic, shared by all sends of a producer.
 * Matches Apache's TopicPublishInfo.selectOneMessageQueue.
 */
export class QueueRotation {
  readonly #faults: FaultStrategy;
  readonly #random: () => number;
  readonly #turns = new Map<string, Turn>();

  /** `random` gives 0 included to 1 excluded. */
  constructor(faults: FaultStrategy, random: () => number) {
    this.#faults = faults;
    this.#random = random;
  }

  /**
   * The queue that the fault strategy chooses. Where it leaves that to the rotation: the next queue whose broker is
   * available and is not `failedBroker`; when there is none, of a broker that is available; when all are at fault, plainly
   * the next.
   */
  next(info: PublishInfo, failedBroker?: string): MessageQueue {
    const { queues } = info;
    const turn = this.#turnOf(info.topic, queues.length);
    if (this.#faults.choose === undefined) return this.#nextAvailable(queues, turn, failedBroker);
    const chosen = this.#faults.choose(queues, turn, failedBroker);
    return (chosen === undefined ? undefined : queues[chosen]) ?? queues[turn.step()]!;
  }

  #nextAvailable(queues: readonly MessageQueue[], turn: Turn, failedBroker: string | undefined): MessageQueue {
    const start = turn.step();
    let available: MessageQueue | undefined;
    for (let step = 0; step < queues.length; step++) {
      const index = (start + step) % queues.length;
      const queue = queues[index]!;
      if (!this.#faults.isAvailable(queue.brokerName)) continue;
      if (queue.brokerName !== failedBroker) {
        turn.at = index + 1;
        return queue;
      }
      available ??= queue;
    }
    return available ?? queues[start]!;
  }

  #turnOf(topic: string, queueCount: number): Turn {
    let turn = this.#turns.get(topic);
    if (turn === undefined) {
      // Turns begin anew somewhere, which harms nobody; a producer of ever new topics must not keep them all.
      if (this.#turns.size >= TURNS_MAX) this.#turns.clear();
      turn = new Turn(this.#random);
      this.#turns.set(topic, turn);
    }
    if (turn.queueCount !== queueCount) turn.of(queueCount);
    return turn;
  }
}

/** Where the rotation of one topic stands. */
class Turn implements QueueTurn {
  readonly #random: () => number;
  queueCount = 0;
  /** Index of the next queue. */
  at = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The topic has another number of queues than before. */
  of(queueCount: number): void {
    const first = this.queueCount === 0;
    this.queueCount = queueCount;
    if (first) this.restart();
  }

  step(): number {
    const index = this.at % this.queueCount;
    this.at = index + 1;
    return index;
  }

  restart(): void {
    this.at = Math.floor(this.#random() * this.queueCount);
  }
}
