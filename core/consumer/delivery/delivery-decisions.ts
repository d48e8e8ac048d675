import { ACK, type DeliveryOutcome, type MessageOutcome } from './delivery.js';

/** Whether a delivery still counts: not once it has ended, timed out, or lost its queue. */
export interface DeliveryEnding {
  readonly ended: boolean;
}

/**
 * What `ack`, `retry` and `deadLetter` of a delivery's messages decided, one object for all of them. The first decision on a
 * message counts; what is left undecided follows how the handler ended.
 */
export class DeliveryDecisions {
  readonly #delivery: DeliveryEnding;
  readonly #count: number;
  readonly #onAllDecided: (() => void) | undefined;
  #outcomes: (MessageOutcome | undefined)[] | undefined;
  #decided = 0;
  #closed = false;

  /** @param onAllDecided told when nothing is left to decide, for deliveries that no handler ends */
  constructor(delivery: DeliveryEnding, count: number, onAllDecided?: () => void) {
    this.#delivery = delivery;
    this.#count = count;
    this.#onAllDecided = onAllDecided;
  }

  /** Tells whether it counts. */
  decide(index: number, outcome: MessageOutcome): boolean {
    if (this.#closed || this.#delivery.ended) return false;
    this.#outcomes ??= new Array<MessageOutcome | undefined>(this.#count).fill(undefined);
    if (this.#outcomes[index] !== undefined) return false;
    this.#outcomes[index] = outcome;
    this.#decided++;
    if (this.#decided === this.#count) this.#onAllDecided?.();
    return true;
  }

  /** The end: what was decided, `rest` for the others. Nothing counts from here on. */
  close(rest: MessageOutcome): DeliveryOutcome {
    this.#closed = true;
    const outcomes = this.#outcomes;
    if (outcomes === undefined) return rest;
    if (outcomes.length === 1) return outcomes[0] ?? rest;
    const all = outcomes.map((outcome) => outcome ?? rest);
    return all.every(({ kind }) => kind === 'ack') ? ACK : { kind: 'each', outcomes: all };
  }
}
