import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import { setImmediate } from '../../runtime/event-loop.js';
import type { Logger } from '../../runtime/logger.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import type { DeliveryOutcome, MessageOutcome } from './delivery.js';
import type { DeliveryEnd } from './delivery-chain.js';
import { DeliveryDeadlines } from './delivery-deadlines.js';
import type { DeliveryMode } from './delivery-mode.js';
import { DeliveryPass } from './delivery-pass.js';
import type { MessageReader, Verdict } from './message-reader.js';
import type { RateLimit } from './rate-limit.js';
import type { Receiver } from './receiver.js';
import { RunningDelivery } from './running-delivery.js';

/** Handlers started before the event loop gets a turn of its own: sockets and timers must not starve. */
const DELIVERIES_PER_TURN = 256;
/** Java sends back what took too long with this level. */
const TIMED_OUT_LEVEL = 3;

export interface HandlerRunnerOptions {
  /** The group as the application writes it. */
  readonly group: string;
  readonly concurrency: number;
  /** A delivery that takes longer is not waited for. */
  readonly consumeTimeoutMs: number;
  readonly rateLimit: RateLimit | undefined;
  readonly mode: DeliveryMode;
  readonly receiver: Receiver;
  readonly reader: MessageReader;
  /** What becomes of a message whose body cannot be read. */
  readonly unreadable: (consumed: ConsumedQueue, pulled: PulledMessage, error: unknown) => MessageOutcome;
  readonly deliver: DeliveryEnd;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Delivers what was pulled, a bounded number at one time over all queues. Queues with work take turns; what they give next,
 * and what becomes of a message afterwards, is the mode's; how the application takes it is the receiver's.
 */
export class HandlerRunner {
  readonly #options: HandlerRunnerOptions;
  /** Queues with something to take; the first one's turn is next. */
  #ready: ConsumedQueue[] = [];
  #turn = 0;
  readonly #deadlines: DeliveryDeadlines;
  #running = 0;
  #rateTimer: Timer | undefined;
  #budget = DELIVERIES_PER_TURN;
  #filling = false;
  #yielded = false;
  #paused = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: HandlerRunnerOptions) {
    this.#options = options;
    this.#deadlines = new DeliveryDeadlines(options.clock, options.consumeTimeoutMs, (late) => this.#giveUp(late));
  }

  /** Deliveries that have not ended. */
  get running(): number {
    return this.#running;
  }

  /** There is something to take of the queue. */
  wake(consumed: ConsumedQueue): void {
    if (!this.#ready.includes(consumed)) this.#ready.push(consumed);
    this.fill();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.fill();
  }

  /** Starts nothing any more. Resolves when nothing runs. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#ready = [];
    this.#rateTimer?.cancel();
    if (this.#running > 0) return new Promise((resolve) => this.#idle.push(resolve));
    this.#deadlines.stop();
    return Promise.resolve();
  }

  /**
   * Messages that the application holds, of a queue that has gone or of all, are not waited for: nobody has to say anything of
   * them. What was popped is its own still when the queue has gone. A handler is waited for: it is still at work.
   */
  release(why: string, lost?: ConsumedQueue): void {
    if (this.#options.receiver.endsByItself || lost?.popped === true) return;
    for (const delivery of this.#deadlines.running) {
      if (lost !== undefined && delivery.consumed !== lost) continue;
      this.#abandon(delivery, { kind: 'retry', error: new DOMException(why, 'AbortError') });
      this.#ended(delivery.consumed);
    }
  }

  /** Starts what may start. */
  fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    while (this.#mayStart()) {
      if (this.#budget === 0) {
        this.#yield();
        break;
      }
      if (!this.#startNext()) break;
      this.#budget--;
    }
    this.#filling = false;
  }

  #mayStart(): boolean {
    if (this.#paused || this.#stopped || this.#yielded) return false;
    const { concurrency, receiver, rateLimit, clock } = this.#options;
    if (this.#running >= concurrency || !receiver.wants(this.#running)) return false;
    const waitMs = rateLimit?.waitMs(clock.monotonic()) ?? 0;
    if (waitMs === 0) return true;
    this.#rateTimer ??= clock.setTimer(Math.ceil(waitMs), () => {
      this.#rateTimer = undefined;
      this.fill();
    });
    return false;
  }

  #yield(): void {
    this.#yielded = true;
    setImmediate(() => {
      this.#yielded = false;
      this.#budget = DELIVERIES_PER_TURN;
      this.fill();
    });
  }

  #startNext(): boolean {
    const { mode, receiver } = this.#options;
    while (this.#ready.length > 0) {
      if (this.#turn >= this.#ready.length) this.#turn = 0;
      const consumed = this.#ready[this.#turn] as ConsumedQueue;
      const taken = consumed.dropped || consumed.paused ? [] : mode.take(consumed, receiver.batchSize);
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
    const { reader, rateLimit, clock } = this.#options;
    rateLimit?.take(taken.length, clock.monotonic());
    const reading = reader.read(consumed, taken);
    if (reading === undefined) this.#deliver(consumed, taken);
    else void reading.then(() => this.#deliver(consumed, taken));
  }

  #deliver(consumed: ConsumedQueue, taken: readonly PulledMessage[]): void {
    const held = consumed.dropped || this.#stopped ? [] : this.#wanted(consumed, taken);
    if (held.length === 0) {
      this.#ended(consumed);
      return;
    }
    const { group, clock, deliver } = this.#options;
    const delivery = new RunningDelivery(group, consumed, held, clock.monotonic());
    consumed.lastDeliveredMs = delivery.startedMs;
    this.#deadlines.begin(delivery);
    deliver(new DeliveryPass(delivery, delivery.messages), (outcome) => this.#settle(delivery, outcome));
  }

  /** What is to be delivered of it; the rest ends here. */
  #wanted(consumed: ConsumedQueue, taken: readonly PulledMessage[]): readonly PulledMessage[] {
    const { mode, reader } = this.#options;
    let wanted: PulledMessage[] | undefined;
    for (const [index, pulled] of taken.entries()) {
      const verdict = reader.verdict(consumed, pulled);
      if (verdict.kind === 'deliver') {
        wanted?.push(pulled);
        continue;
      }
      wanted ??= taken.slice(0, index);
      if (verdict.kind === 'skip') mode.skip(consumed, [pulled]);
      else if (mode.inOrder !== true) this.#refuse(consumed, pulled, verdict);
      else {
        // What stands before it is delivered first, and it is the next; what stands behind it must not overtake it.
        const isFirst = wanted.length === 0;
        mode.putBack?.(consumed, taken.slice(isFirst ? index + 1 : index));
        if (isFirst) this.#refuse(consumed, pulled, verdict);
        break;
      }
    }
    return wanted ?? taken;
  }

  /** Ends what cannot be delivered. */
  #refuse(
    consumed: ConsumedQueue,
    pulled: PulledMessage,
    { kind, error }: Extract<Verdict, { readonly error: unknown }>,
  ): void {
    const { mode, clock, unreadable } = this.#options;
    const outcome = kind === 'unreadable' ? unreadable(consumed, pulled, error) : ({ kind: 'retry', error } as const);
    mode.settle({ consumed, held: [pulled], startedMs: clock.monotonic() }, outcome);
  }

  #settle(delivery: RunningDelivery, outcome: DeliveryOutcome): void {
    const { group, mode, logger, receiver } = this.#options;
    const { consumed, held, abandoned } = delivery;
    if (abandoned || consumed.lost) {
      logger.debug('a delivery ended that was given up, or whose queue was lost; its messages come again', {
        group,
        ...consumed.shown,
        queueOffset: held[0]?.queueOffset,
        outcome: outcome.kind,
      });
    }
    if (abandoned) return;
    this.#deadlines.end(delivery);
    const { lost } = consumed;
    delivery.end();
    // An interceptor may have ended it while the application still has its message.
    receiver.abandon(delivery, outcome);
    if (!lost) mode.settle(delivery, outcome);
    this.#ended(consumed);
  }

  /** What has been in its handler for too long comes again, and the slot is free. */
  #giveUp(delivery: RunningDelivery): void {
    const { consumeTimeoutMs, mode, logger, group } = this.#options;
    const { consumed, held } = delivery;
    const { heldBy: plugin } = delivery;
    const what = plugin === undefined ? 'was not handled' : `was held by plugin ${plugin} and not handled`;
    const message = `a message of group ${group} ${what} within ${consumeTimeoutMs} ms`;
    const facts = { timeoutMs: consumeTimeoutMs, ...(plugin !== undefined && { plugin }) };
    const error = rocketMQError('RMQ_CONSUME_TIMEOUT', message, facts);
    logger.warn('a delivery takes too long; its messages come again and it is not waited for', {
      group,
      ...consumed.shown,
      queueOffset: held[0]?.queueOffset,
      ...facts,
    });
    const outcome = { kind: 'retry', error, delayLevel: TIMED_OUT_LEVEL } as const;
    consumed.abortHandler(delivery, message);
    this.#abandon(delivery, outcome);
    if (!consumed.lost) mode.settle(delivery, outcome);
    this.#ended(consumed);
  }

  #abandon(delivery: RunningDelivery, outcome: DeliveryOutcome): void {
    delivery.abandoned = true;
    delivery.end();
    this.#deadlines.end(delivery);
    this.#options.receiver.abandon(delivery, outcome);
  }

  #ended(consumed: ConsumedQueue): void {
    this.#running--;
    this.#options.mode.ended?.(consumed);
    if (this.#running === 0 && this.#stopped) {
      this.#deadlines.stop();
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    this.fill();
  }
}
