import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { ReceivedMessage } from '../../message/message.js';
import type { Clock } from '../../runtime/clock.js';
import { ACK, type DeliveryOutcome } from '../delivery/delivery.js';
import type { DeliveryReport } from '../delivery/delivery-report.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import type { GivenDelivery, MessageGiver } from './message-giver.js';

export interface PollerOptions {
  readonly giver: MessageGiver;
  readonly report: DeliveryReport;
  readonly clock: Clock;
  /** Before a message that could not be given out is tried again. */
  readonly retryDelayMs: number;
  /** There may be room again in the queues. */
  readonly onRoom: () => void;
}

/** The wait of a poll for something to give. */
interface Waiting {
  readonly end: (how: 'more' | 'over') => void;
}

/**
 * Gives out what was pulled, to one poll after the other: messages of one queue at a time, in its order; queues take turns. What
 * a poll gave is done when the next one begins, or when it is committed.
 */
export class Poller {
  readonly #options: PollerOptions;
  /** Queues with something to take; the first one's turn is next. */
  readonly #ready = new Set<ConsumedQueue>();
  /** With the application. */
  readonly #given = new Set<GivenDelivery>();
  #waiting: Waiting | undefined;
  #polling = false;
  #stopped = false;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** There is something to take of the queue. */
  wake(consumed: ConsumedQueue): void {
    this.#ready.add(consumed);
    this.#waiting?.end('more');
  }

  /**
   * Up to `max` messages; none when `timeoutMs` pass without any, or the consumer closes.
   * @throws RMQ_PULL_MISUSE, RMQ_POLL_FAILED, RMQ_REQUEST_ABORTED
   */
  async poll(timeoutMs: number, max: number, signal: AbortSignal | undefined): Promise<readonly ReceivedMessage[]> {
    if (this.#polling) throw misuse('one poll at a time: what it gives is done when the next begins');
    throwIfAborted(signal);
    this.#polling = true;
    try {
      this.done();
      const deadlineMs = this.#options.clock.monotonic() + timeoutMs;
      for (;;) {
        const messages = await this.#next(max, signal);
        if (messages !== undefined) return messages;
        if (!(await this.#wait(deadlineMs, signal))) return [];
      }
    } finally {
      this.#polling = false;
    }
  }

  /** The application has done with everything that it was given, or with that of some queues. */
  done(queues?: readonly ConsumedQueue[]): void {
    let some = false;
    for (const { consumed, held } of this.#given) {
      if (queues?.includes(consumed) === false) continue;
      some = true;
      for (const pulled of held) consumed.processQueue.acknowledge(pulled);
    }
    if (!some) return;
    this.#end(ACK, queues);
    this.#options.onRoom();
  }

  /** A queue is not ours any more: what was given of it comes again, to whoever has it. */
  lost(consumed: ConsumedQueue, why: string): void {
    this.#ready.delete(consumed);
    this.#end({ kind: 'retry', error: new DOMException(`the queue was lost: ${why}`, 'AbortError') }, [consumed]);
  }

  /** The poll that waits ends with nothing, and so do all further ones. */
  stop(): void {
    this.#stopped = true;
    this.#ready.clear();
    this.#waiting?.end('over');
  }

  /** Nobody says any more whether what was given is done. */
  release(): void {
    this.#end({ kind: 'retry', error: new DOMException('the consumer closed', 'AbortError') });
  }

  #end(outcome: DeliveryOutcome, of?: readonly ConsumedQueue[]): void {
    for (const delivery of this.#given) {
      if (of?.includes(delivery.consumed) === false) continue;
      this.#given.delete(delivery);
      delivery.end(outcome);
    }
  }

  /** Undefined when there is nothing to take now. */
  async #next(max: number, signal: AbortSignal | undefined): Promise<readonly ReceivedMessage[] | undefined> {
    for (const consumed of this.#ready) {
      this.#ready.delete(consumed);
      const taken = consumed.dropped || consumed.paused ? [] : take(consumed, max);
      if (taken.length === 0) continue;
      const messages = await this.#give(consumed, taken, signal);
      if (messages.length > 0) return messages;
      if (this.#stopped) return [];
    }
    return undefined;
  }

  async #give(
    consumed: ConsumedQueue,
    taken: readonly PulledMessage[],
    signal: AbortSignal | undefined,
  ): Promise<readonly ReceivedMessage[]> {
    const { giver, report, clock } = this.#options;
    const startedMs = clock.monotonic();
    const { delivery, messages, held, skipped, rest, failure } = await giver.give(consumed, taken, signal);
    if (consumed.dropped) {
      delivery?.end({ kind: 'retry', error: new DOMException('the queue was lost', 'AbortError') });
      return [];
    }
    const unwanted = signal?.aborted === true || this.#stopped;
    const back = unwanted ? [...held, ...rest] : rest;
    for (const pulled of skipped) consumed.processQueue.acknowledge(pulled);
    if (skipped.length > 0) this.#options.onRoom();
    consumed.again.unshift(...back);
    if (unwanted) {
      delivery?.end({ kind: 'retry', error: new DOMException('the poll was given up', 'AbortError') });
      this.#later(consumed, 0);
      throwIfAborted(signal);
      return [];
    }
    if (delivery !== undefined) {
      this.#given.add(delivery);
      for (const pulled of held) report.handled(consumed, pulled, startedMs);
    }
    const [first] = rest;
    if (first !== undefined && failure !== undefined && messages.length === 0) {
      first.failures++;
      const { retryDelayMs } = this.#options;
      report.failed(
        { consumed, held: taken, startedMs },
        first,
        { kind: 'retry', error: failure },
        'here',
        retryDelayMs,
      );
      this.#later(consumed, retryDelayMs);
      throw failure;
    }
    if (consumed.again.length > 0 || consumed.processQueue.hasUntaken) this.#ready.add(consumed);
    return messages;
  }

  #later(consumed: ConsumedQueue, delayMs: number): void {
    const timer = this.#options.clock.setTimer(delayMs, () => {
      consumed.retryTimers.delete(timer);
      if (!consumed.dropped && !this.#stopped) this.wake(consumed);
    });
    consumed.retryTimers.add(timer);
  }

  /** False when the time is over, or the consumer closes. @throws RMQ_REQUEST_ABORTED */
  #wait(deadlineMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { clock } = this.#options;
    // Something came while the last queues were looked at.
    if (this.#ready.size > 0) return Promise.resolve(true);
    const leftMs = deadlineMs - clock.monotonic();
    if (this.#stopped || leftMs <= 0) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      const end = (how: 'more' | 'over'): void => {
        this.#waiting = undefined;
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        resolve(how === 'more');
      };
      const abort = (): void => {
        reject(aborted(signal));
        end('over');
      };
      // Somebody awaits this.
      const timer = clock.setTimer(leftMs, () => end('over'), { ref: true });
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting = { end };
    });
  }
}

/** What could not be given before comes first. */
function take({ again, processQueue }: ConsumedQueue, max: number): readonly PulledMessage[] {
  return again.length > 0 ? again.splice(0, max) : processQueue.takeUpTo(max);
}

export function misuse(rule: string) {
  return rocketMQError('RMQ_PULL_MISUSE', `pull consumer: ${rule}`, { rule });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

function aborted(signal: AbortSignal | undefined) {
  return rocketMQError('RMQ_REQUEST_ABORTED', 'the poll was aborted', { sent: 'no' }, { cause: signal?.reason });
}
