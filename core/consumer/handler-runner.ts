import { rocketMQError } from '../errors/rocketmq-error.js';
import type { ReceivedMessage } from '../message/message.js';
import type { Clock, Timer } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { ConsumedQueue } from './consumed-queue.js';
import type { DeliveryOutcome } from './delivery.js';
import type { DeliveryEnd } from './delivery-chain.js';
import type { DeliveryMode } from './delivery-mode.js';
import { DeliveryPass } from './delivery-pass.js';
import type { PulledMessage } from './pulled-message.js';
import { RunningDelivery } from './running-delivery.js';

/** Handlers started before the event loop gets a turn of its own: sockets and timers must not starve. */
const DELIVERIES_PER_TURN = 256;
/** Java sends back what took too long with this level. */
const TIMED_OUT_LEVEL = 3;

export interface HandlerRunnerOptions {
  /** The group as the application writes it. */
  readonly group: string;
  readonly concurrency: number;
  /** Messages of one queue in one delivery, at most. */
  readonly batchSize: number;
  /** A delivery that takes longer is not waited for. */
  readonly consumeTimeoutMs: number;
  readonly mode: DeliveryMode;
  readonly deliver: DeliveryEnd;
  /** Reads the record, by promise when it takes its time. What it throws fails the message as a handler does. */
  readonly decode: (pulled: PulledMessage, consumed: ConsumedQueue) => ReceivedMessage | Promise<ReceivedMessage>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Calls handlers for what was pulled, a bounded number at one time over all queues. Queues with work take turns; what they
 * give next, and what becomes of a message after its handler, is the mode's.
 */
export class HandlerRunner {
  readonly #options: HandlerRunnerOptions;
  /** Queues with something to take; the first one's turn is next. */
  #ready: ConsumedQueue[] = [];
  #turn = 0;
  /** In order of their starts. */
  readonly #inHandlers = new Set<RunningDelivery>();
  #running = 0;
  #timeout: Timer | undefined;
  #budget = DELIVERIES_PER_TURN;
  #filling = false;
  #yielded = false;
  #paused = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: HandlerRunnerOptions) {
    this.#options = options;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running;
  }

  /** There is something to take of the queue. */
  wake(consumed: ConsumedQueue): void {
    if (!this.#ready.includes(consumed)) this.#ready.push(consumed);
    this.#fill();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#fill();
  }

  /** Starts nothing any more. Resolves when no handler runs. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#ready = [];
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    while (this.#running < this.#options.concurrency && !this.#paused && !this.#stopped && !this.#yielded) {
      if (this.#budget === 0) {
        this.#yield();
        break;
      }
      if (!this.#startNext()) break;
      this.#budget--;
    }
    this.#filling = false;
  }

  #yield(): void {
    this.#yielded = true;
    setImmediate(() => {
      this.#yielded = false;
      this.#budget = DELIVERIES_PER_TURN;
      this.#fill();
    });
  }

  #startNext(): boolean {
    const { mode, batchSize } = this.#options;
    while (this.#ready.length > 0) {
      if (this.#turn >= this.#ready.length) this.#turn = 0;
      const consumed = this.#ready[this.#turn] as ConsumedQueue;
      const taken = consumed.dropped ? [] : mode.take(consumed, batchSize);
      if (taken.length === 0) {
        this.#ready.splice(this.#turn, 1);
        continue;
      }
      this.#turn++;
      this.#start(consumed, taken);
      return true;
    }
    return false;
  }

  #start(consumed: ConsumedQueue, taken: readonly PulledMessage[]): void {
    this.#running++;
    let reading: Promise<void>[] | undefined;
    for (const pulled of taken) {
      const read = pulled.message === undefined ? this.#read(consumed, pulled) : undefined;
      if (read !== undefined) reading = [...(reading ?? []), read];
    }
    if (reading === undefined) this.#deliver(consumed, taken);
    else void Promise.all(reading).then(() => this.#deliver(consumed, taken));
  }

  /** Reads one record; by promise, which never rejects, where that takes its time. */
  #read(consumed: ConsumedQueue, pulled: PulledMessage): Promise<void> | undefined {
    const take = (message: ReceivedMessage): void => {
      pulled.message = message;
      pulled.unreadable = undefined;
    };
    const fail = (error: unknown): void => {
      pulled.unreadable = { error };
    };
    try {
      const message = this.#options.decode(pulled, consumed);
      if (message instanceof Promise) return message.then(take, fail);
      take(message);
    } catch (error) {
      fail(error);
    }
    return undefined;
  }

  #deliver(consumed: ConsumedQueue, taken: readonly PulledMessage[]): void {
    if (consumed.dropped || this.#stopped) {
      this.#ended();
      return;
    }
    const held = taken.every((pulled) => this.#isWanted(consumed, pulled)) ? taken : this.#sort(consumed, taken);
    if (held.length === 0) {
      this.#ended();
      return;
    }
    const { group, clock, consumeTimeoutMs, deliver } = this.#options;
    const delivery = new RunningDelivery(group, consumed, held, clock.monotonic());
    this.#inHandlers.add(delivery);
    this.#timeout ??= clock.setTimer(consumeTimeoutMs, () => this.#endOverdue());
    deliver(new DeliveryPass(delivery, delivery.messages), (outcome) => this.#settle(delivery, outcome));
  }

  #isWanted(consumed: ConsumedQueue, { message }: PulledMessage): boolean {
    if (message === undefined) return false;
    const { tags } = consumed.subscription;
    // The broker filters by hash; another tag with the same hash is none of ours.
    return tags.size === 0 || (message.tag !== undefined && tags.has(message.tag));
  }

  /** Ends what no handler will see, and returns the rest. */
  #sort(consumed: ConsumedQueue, taken: readonly PulledMessage[]): readonly PulledMessage[] {
    const { mode, clock } = this.#options;
    const held: PulledMessage[] = [];
    for (const pulled of taken) {
      if (this.#isWanted(consumed, pulled)) held.push(pulled);
      else if (pulled.message !== undefined) mode.skip(consumed, [pulled]);
      else {
        const ended = { consumed, held: [pulled], startedMs: clock.monotonic() };
        mode.settle(ended, { kind: 'retry', error: pulled.unreadable?.error });
      }
    }
    return held;
  }

  #settle(delivery: RunningDelivery, outcome: DeliveryOutcome): void {
    const { group, mode, logger } = this.#options;
    const { consumed, held, timedOut } = delivery;
    if (timedOut || consumed.dropped) {
      const why = timedOut ? 'it had timed out' : 'its queue was lost';
      logger.debug(`a handler ended after ${why}; its messages are handled again`, {
        group,
        ...consumed.shown,
        queueOffset: held[0]?.queueOffset,
        outcome: outcome.kind,
      });
      if (timedOut) return;
    }
    const lost = consumed.dropped;
    this.#end(delivery);
    if (!lost) mode.settle(delivery, outcome);
    this.#ended();
  }

  #end(delivery: RunningDelivery): void {
    delivery.end();
    this.#inHandlers.delete(delivery);
    if (this.#inHandlers.size > 0) return;
    this.#timeout?.cancel();
    this.#timeout = undefined;
  }

  /** Gives up what has been in its handler for too long: it comes again, and the slot is free. */
  #endOverdue(): void {
    this.#timeout = undefined;
    const { clock, consumeTimeoutMs, mode, logger, group } = this.#options;
    const nowMs = clock.monotonic();
    for (const delivery of [...this.#inHandlers]) {
      const leftMs = delivery.startedMs + consumeTimeoutMs - nowMs;
      if (leftMs > 0) {
        this.#timeout = clock.setTimer(leftMs, () => this.#endOverdue());
        return;
      }
      const { consumed, held } = delivery;
      const message = `a handler of group ${group} did not end within ${consumeTimeoutMs} ms`;
      const error = rocketMQError('RMQ_CONSUME_TIMEOUT', message, { timeoutMs: consumeTimeoutMs });
      logger.warn('a handler takes too long; its messages come again and it is not waited for', {
        group,
        ...consumed.shown,
        queueOffset: held[0]?.queueOffset,
        timeoutMs: consumeTimeoutMs,
      });
      delivery.timedOut = true;
      consumed.abortHandler(delivery, message);
      this.#end(delivery);
      if (!consumed.dropped) mode.settle(delivery, { kind: 'retry', error, delayLevel: TIMED_OUT_LEVEL });
      this.#ended();
    }
  }

  #ended(): void {
    this.#running--;
    if (this.#running === 0 && this.#stopped) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    this.#fill();
  }
}
