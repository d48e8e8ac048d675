import type { MessageQueue } from '../../message/message.js';
import type { Timer } from '../../runtime/clock.js';
import type { TopicSubscription } from '../subscription/subscription.js';
import type { FlowLimits } from './flow-limits.js';
import { PopQueue } from './pop-queue.js';
import { type HeldQueue, ProcessQueue } from './process-queue.js';
import type { PulledMessage } from './pulled-message.js';

/**
 * A queue while it is ours: what was pulled of it and what runs on it. A queue that is lost and comes back is another
 * object, so results of handlers that were on their way when it was lost reach nothing.
 */
export class ConsumedQueue {
  /** With the topic's name on the wire. */
  readonly queue: MessageQueue;
  /** With the topic's name as the application writes it. */
  readonly shown: MessageQueue;
  /** Of its topic, as it is now. */
  subscription: TopicSubscription;
  /** As the topic's queues are shared out now. */
  limits: FlowLimits;
  /** Whether its broker gives out of it what nobody has; otherwise it is pulled by offset. */
  readonly popped: boolean;
  readonly processQueue: HeldQueue<PulledMessage>;
  /** Wakes the pull loop when it waits for room; the loop sets it. */
  onRoom: (() => void) | undefined;
  readonly retryTimers = new Set<Timer>();
  /** Messages to deliver once more now, before those that nobody took yet. */
  readonly again: PulledMessage[] = [];
  /** Monotonic milliseconds at which a message of it was last delivered; undefined before the first. */
  lastDeliveredMs: number | undefined = undefined;
  /** Monotonic milliseconds at which its broker was last asked for messages; undefined before the first time. */
  lastPullMs: number | undefined = undefined;
  /** Where the queue ended as the last answer told, a popped one counted; undefined where none did. */
  maxOffset: number | undefined = undefined;
  /** Popped messages whose invisible time was over before something was said of them. */
  receiptsExpired = 0;
  /** Nothing of it is delivered until it is false again. */
  paused = false;
  #dropped = false;
  readonly #controllers = new Map<object, AbortController>();

  /** @param startOffset undefined for a queue that is popped */
  constructor(
    queue: MessageQueue,
    subscription: TopicSubscription,
    startOffset: number | undefined,
    limits: FlowLimits,
  ) {
    this.limits = limits;
    this.queue = queue;
    // Plugins see it in each delivery.
    this.shown = Object.freeze({ ...queue, topic: subscription.topic });
    this.subscription = subscription;
    this.popped = startOffset === undefined;
    this.processQueue = startOffset === undefined ? new PopQueue() : new ProcessQueue(startOffset);
  }

  /** Not ours any more: nothing more of it is handled, nor committed from here on. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Whether what is said of its messages reaches nothing any more. A popped message is ours until its invisible time is over. */
  get lost(): boolean {
    return this.#dropped && !this.popped;
  }

  drop(): void {
    this.#dropped = true;
    for (const timer of this.retryTimers) timer.cancel();
    this.retryTimers.clear();
    this.again.length = 0;
    if (this.popped) return;
    this.abortHandlers(`queue ${this.shown.queueId} of topic ${this.shown.topic} at ${this.shown.brokerName} was lost`);
  }

  /** Tells the handlers that run, and asked to be told, to end. */
  abortHandlers(why: string): void {
    for (const controller of this.#controllers.values()) {
      controller.abort(new DOMException(why, 'AbortError'));
    }
    this.#controllers.clear();
  }

  /** Tells the handler of one delivery, when it asked to be told, to end. */
  abortHandler(delivery: object, why: string): void {
    this.#controllers.get(delivery)?.abort(new DOMException(why, 'AbortError'));
  }

  /** One for each delivery, made for those that ask: most never do. */
  signalOf(delivery: object): AbortSignal {
    let controller = this.#controllers.get(delivery);
    if (controller === undefined) {
      controller = new AbortController();
      if (this.lost) controller.abort(new DOMException('the queue was lost', 'AbortError'));
      this.#controllers.set(delivery, controller);
    }
    return controller.signal;
  }

  /** The delivery ended; nobody needs its signal any more. */
  forgetSignal(delivery: object): void {
    if (this.#controllers.size > 0) this.#controllers.delete(delivery);
  }
}

/** A queue by its place, as maps use it. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}\n${queue.brokerName}\n${queue.queueId}`;
}
