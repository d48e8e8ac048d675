import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import type { DeliveryContext } from './delivery.js';
import type { DeliveryEnding } from './delivery-decisions.js';

/** Gives each delivery its own abort signal, and only to those that ask: most never do. */
export interface SignalSource {
  signalOf(delivery: object): AbortSignal;
}

/** What all contexts of one delivery share. */
export interface DeliveryFacts extends DeliveryEnding {
  readonly group: string;
  readonly queue: MessageQueue;
  readonly attempt: number;
  readonly signals: SignalSource;
  /** The plugin that has the delivery on its way in or out; undefined while the handler does. */
  heldBy?: string | undefined;
}

/** The context of one delivery on its way through the chain; `with` makes the next. */
export class DeliveryPass implements DeliveryContext {
  readonly messages: readonly ReceivedMessage[];
  readonly #facts: DeliveryFacts;

  constructor(facts: DeliveryFacts, messages: readonly ReceivedMessage[]) {
    this.#facts = facts;
    this.messages = messages;
  }

  get group(): string {
    return this.#facts.group;
  }

  get queue(): MessageQueue {
    return this.#facts.queue;
  }

  get attempt(): number {
    return this.#facts.attempt;
  }

  get signal(): AbortSignal {
    return this.#facts.signals.signalOf(this.#facts);
  }

  with({ messages = this.messages }: { readonly messages?: readonly ReceivedMessage[] }): DeliveryContext {
    return new DeliveryPass(this.#facts, Array.isArray(messages) ? Object.freeze([...messages]) : messages);
  }

  /** Notes which plugin has the delivery now. */
  static hold(context: DeliveryContext, plugin: string | undefined): void {
    (context as DeliveryPass).#facts.heldBy = plugin;
  }

  /** What a context that came through the chain belongs to. */
  static deliveryOf(context: DeliveryContext): DeliveryFacts {
    return (context as DeliveryPass).#facts;
  }

  /** Whether `context` was derived from the same delivery as `other`. */
  static same(context: unknown, other: DeliveryContext): boolean {
    if (typeof context !== 'object' || context === null || !(#facts in context) || !(#facts in other)) return false;
    return context.#facts === other.#facts;
  }
}
