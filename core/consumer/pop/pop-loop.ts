import { isRocketMQError } from '../../errors/rocketmq-error.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { RouteTable } from '../../routing/route-table.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import { delayAfterNothing, PacedFeed } from '../feeds/paced-feed.js';
import type { ResolvedConsumerOptions } from '../options/consumer-options.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { ConsumeStatistics } from '../report/consume-statistics.js';
import type { ConsumerEvents } from '../report/consumer-events.js';
import { type PopAnswer, type PopFacts, popRequest, readPopAnswer } from './pop-request.js';
import type { PoppedMessage } from './popped-message.js';

/** What a pop loop can be told. */
export type PopLoopOptions = Pick<
  ResolvedConsumerOptions,
  | 'from'
  | 'popBatchSize'
  | 'popInvisibleTimeMs'
  | 'pullIntervalMs'
  | 'suspendTimeoutMs'
  | 'pullTimeoutMs'
  | 'pullRetryDelayMs'
>;

export interface PopLoopServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly options: PopLoopOptions;
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
  readonly statistics: ConsumeStatistics;
  /** Messages came and were put into the queue; what is to be done with them follows with `onMessages`. */
  readonly hold: (consumed: ConsumedQueue, messages: readonly PoppedMessage[]) => void;
  /** There is something to take. */
  readonly onMessages: (consumed: ConsumedQueue) => void;
  /** Messages came for a loop that was stopped: nobody here handles them. */
  readonly onLate: (consumed: ConsumedQueue, messages: readonly PoppedMessage[]) => void;
  /** The broker does not know this group: a heartbeat would tell it. */
  readonly onUnknownMember: () => void;
}

/**
 * Pops one topic at one broker: one pop at a time, each held by the broker until there is something, the next at once. Waits
 * while there is no room, and after errors; nothing but `stop` ends it. The pop that is in flight then is not taken back: its
 * broker would hide what it answers with for the whole invisible time; `onLate` gives that to others at once. Matches the
 * popMessage of Apache's DefaultMQPushConsumerImpl.
 */
export class PopLoop extends PacedFeed {
  readonly #services: PopLoopServices;

  constructor(consumed: ConsumedQueue, services: PopLoopServices) {
    super(consumed, services.clock);
    this.#services = services;
  }

  protected isFull(): boolean {
    const { processQueue, limits } = this.consumed;
    return processQueue.count >= limits.messages || processQueue.sizeBytes >= limits.sizeBytes;
  }

  protected ask(): void {
    const { routes } = this.#services;
    const { brokerName, topic } = this.consumed.queue;
    // Slaves give nothing out.
    const address = routes.brokerAddress(brokerName, 0);
    if (address !== undefined) this.#request(address);
    else {
      routes.loadBrokerAddress(brokerName, topic).then(
        (loaded) => {
          if (this.isAsking) this.#request(loaded);
        },
        (error: unknown) => this.#failed(error),
      );
    }
  }

  #request(address: string): void {
    const { options, remoting, clock, wireGroup } = this.#services;
    const { queue, subscription } = this.consumed;
    const startedMs = clock.monotonic();
    this.consumed.lastPullMs = startedMs;
    const facts: PopFacts = {
      group: wireGroup,
      queue,
      maxMessages: options.popBatchSize,
      invisibleTimeMs: options.popInvisibleTimeMs,
      pollTimeMs: options.suspendTimeoutMs,
      bornTimestamp: clock.now(),
      from: options.from,
      expressionType: subscription.expressionType,
      expression: subscription.expression,
    };
    try {
      remoting.start(
        address,
        popRequest(facts),
        { timeoutMs: options.pullTimeoutMs },
        {
          onResponse: (response) => {
            if (response === undefined) return;
            let answer: PopAnswer;
            try {
              answer = readPopAnswer(response, facts, address);
            } catch (error) {
              this.#failed(error);
              return;
            }
            this.#answered(answer, clock.monotonic() - startedMs);
          },
          onFailure: (error) => this.#failed(error),
        },
      );
    } catch (error) {
      // A client that is closing refuses at once.
      this.#failed(error);
    }
  }

  #answered(answer: PopAnswer, elapsedMs: number): void {
    const { options, hold, onMessages, onLate, logger, group, clock } = this.#services;
    if (answer.kind === 'found') this.#stamp(answer.messages);
    if (this.isStopped) {
      if (answer.kind === 'found') onLate(this.consumed, answer.messages);
      return;
    }
    const failures = this.mended();
    if (failures > 0) logger.info('a queue is popped again', { group, ...this.consumed.shown, failures });
    if (answer.kind === 'full') {
      logger.debug('a broker holds as many pops as it may', { group, ...this.consumed.shown });
      this.next(options.pullRetryDelayMs);
      return;
    }
    const { processQueue } = this.consumed;
    const messages = answer.kind === 'found' ? answer.messages : [];
    processQueue.put(messages, 0);
    hold(this.consumed, messages);
    this.consumed.maxOffset = processQueue.nextOffset + (answer.kind === 'found' ? answer.restCount : 0);
    this.#tell(answer, clock.monotonic(), elapsedMs);
    const isNothing = messages.length === 0;
    // The next pop leaves before the handlers run: their work hides its way.
    this.next(isNothing ? delayAfterNothing(elapsedMs, options.pullIntervalMs) : options.pullIntervalMs);
    if (!isNothing) onMessages(this.consumed);
  }

  /** Counted from the answer: the pop itself was held for who knows how long. */
  #stamp(messages: readonly PoppedMessage[]): void {
    const { clock, options } = this.#services;
    const nowMs = Math.round(clock.monotonic());
    for (const message of messages) {
      message.pulledMs = nowMs;
      message.sinceMs = nowMs;
      message.invisibleUntilMs = nowMs + options.popInvisibleTimeMs;
    }
  }

  #tell(answer: PopAnswer, nowMs: number, elapsedMs: number): void {
    const { events, statistics } = this.#services;
    const queue = this.consumed.shown;
    const found = answer.kind === 'found' ? answer : { messages: [], sizeBytes: 0, restCount: 0 };
    const count = found.messages.length;
    if (count > 0) statistics.pulled(queue.topic, nowMs, count, elapsedMs);
    if (!events.observed) return;
    const { sizeBytes, restCount } = found;
    events.emit({ type: 'popped', queue, messages: count, sizeBytes, restCount, elapsedMs });
  }

  #failed(error: unknown): void {
    if (this.isStopped) return;
    const { options, logger, events, group, onUnknownMember } = this.#services;
    const { failures, retryInMs } = this.countFailure(error, options.pullRetryDelayMs);
    const { shown: queue } = this.consumed;
    logger[failures === 1 ? 'warn' : 'debug']('a pop failed; it is popped again', {
      group,
      ...queue,
      failures,
      retryInMs,
      error,
    });
    if (events.observed) events.emit({ type: 'pullFailed', queue, error, retryInMs });
    const code = isRocketMQError(error, 'RMQ_BROKER_ERROR') ? error.responseCode : undefined;
    if (code === ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST) onUnknownMember();
    this.next(retryInMs);
  }
}
