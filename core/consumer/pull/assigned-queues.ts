import type { MessageQueue } from '../../message/message.js';
import type { Assignment } from '../rebalance/assignment.js';
import type { TopicSubscription } from '../subscription/subscription.js';

/** Queues of one topic that the application chose. Names are names on the wire. */
export interface ChosenQueues {
  readonly subscription: TopicSubscription;
  readonly queues: readonly MessageQueue[];
}

/** Makes the queues that are read those that the application assigned: what a rebalancer does, without a group. */
export class AssignedQueues {
  readonly #assignment: Assignment;
  #chosen: ReadonlyMap<string, ChosenQueues> = new Map();
  /** Topics of the last round. */
  #read: readonly string[] = [];

  constructor(assignment: Assignment) {
    this.#assignment = assignment;
  }

  /** In place of what was assigned before, by the topic's name on the wire; from the next round on. */
  assign(chosen: ReadonlyMap<string, ChosenQueues>): void {
    this.#chosen = chosen;
  }

  /** One round. Tells whether every queue is read that was assigned. */
  async round(): Promise<boolean> {
    const chosen = this.#chosen;
    const gone = this.#read.filter((topic) => !chosen.has(topic));
    this.#read = [...chosen.keys()];
    await Promise.all(gone.map((topic) => this.#assignment.leave(topic)));
    const taken = await Promise.all(
      [...chosen].map(([topic, { subscription, queues }]) => {
        this.#assignment.resubscribe(topic, subscription);
        return this.#assignment.take(topic, subscription, queues);
      }),
    );
    return taken.every(({ complete }) => complete);
  }
}
