import { isRocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { PendingRequest, RemotingClient } from '../../remoting/remoting-client.js';
import type { RouteTable } from '../../routing/route-table.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { ResolvedConsumerOptions } from '../options/consumer-options.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { ConsumeStatistics } from '../report/consume-statistics.js';
import type { ConsumerEvents } from '../report/consumer-events.js';
import { delayAfterNothing, PacedFeed } from './paced-feed.js';
import { pullAddress } from './pull-address.js';
import { type PullAnswer, pullRequest, readPullAnswer } from './pull-request.js';

/** What a pull loop can be told. */
export type PullOptions = Pick<
  ResolvedConsumerOptions,
  'pullBatchSize' | 'pullIntervalMs' | 'suspendTimeoutMs' | 'pullTimeoutMs' | 'pullRetryDelayMs'
>;

export interface PullLoopServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly options: PullOptions;
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
  readonly statistics: ConsumeStatistics;
  /** Messages were put into the process queue. */
  readonly onMessages: (consumed: ConsumedQueue) => void;
  /** The offset is not there; the broker would go on at `nextOffset`. The loop has stopped itself. */
  readonly onOffsetIllegal: (consumed: ConsumedQueue, nextOffset: number) => void;
  /** Reads as a lite pull consumer does: the code of its pulls, by broker. Default: as a push consumer. */
  readonly litePull?: (brokerName: string) => number;
  /** Whether there is no room in all queues together. Default: there is. */
  readonly allFull?: () => boolean;
  /** The broker does not know this member or its subscription (24, 25): a heartbeat would tell it. */
  readonly onUnknownMember: () => void;
}

/**
 * Reads one queue: one pull at a time, each held by the broker until there is something, the next at once. Waits while
 * the process queue is full, and after errors; nothing but `stop` ends it.
 */
export class PullLoop extends PacedFeed {
  readonly #services: PullLoopServices;
  #pending: PendingRequest | undefined;
  #brokerId = 0;

  constructor(consumed: ConsumedQueue, services: PullLoopServices) {
    super(consumed, services.clock);
    this.#services = services;
  }

  /** For good. Takes the pull in flight back. */
  override stop(): void {
    super.stop();
    this.#pending?.cancel();
    this.#pending = undefined;
  }

  protected isFull(): boolean {
    const { processQueue, limits } = this.consumed;
    return (
      processQueue.count >= limits.messages ||
      processQueue.sizeBytes >= limits.sizeBytes ||
      processQueue.span > limits.span ||
      this.#services.allFull?.() === true
    );
  }

  protected ask(): void {
    const address = pullAddress(this.#services.routes, this.consumed.queue.brokerName, this.#brokerId);
    if (address !== undefined) this.#request(address);
    else this.#loadAddress();
  }

  #loadAddress(): void {
    const { brokerName, topic } = this.consumed.queue;
    this.#services.routes.loadBrokerAddress(brokerName, topic).then(
      (address) => {
        if (this.isAsking) this.#request(address);
      },
      (error: unknown) => {
        if (this.isAsking) this.#failed(error);
      },
    );
  }

  #request(address: string): void {
    const { options, remoting, clock, wireGroup, litePull } = this.#services;
    const { processQueue, queue, subscription } = this.consumed;
    const lite = litePull && { code: litePull(queue.brokerName) };
    const startedMs = clock.monotonic();
    this.consumed.lastPullMs = startedMs;
    const request = pullRequest({
      group: wireGroup,
      queue,
      offset: processQueue.nextOffset,
      batchSize: options.pullBatchSize,
      suspendTimeoutMs: options.suspendTimeoutMs,
      subVersion: subscription.subVersion,
      expressionType: subscription.expressionType,
      ...(lite && { lite, subscription: subscription.expression }),
    });
    try {
      this.#pending = remoting.start(
        address,
        request,
        { timeoutMs: options.pullTimeoutMs },
        {
          onResponse: (response) => {
            this.#pending = undefined;
            if (!this.isAsking || response === undefined) return;
            let answer: PullAnswer;
            try {
              answer = readPullAnswer(response, address);
            } catch (error) {
              this.#failed(error);
              return;
            }
            this.#answered(answer, clock.monotonic() - startedMs);
          },
          onFailure: (error) => {
            this.#pending = undefined;
            if (this.isAsking) this.#failed(error);
          },
        },
      );
    } catch (error) {
      // A client that is closing refuses at once.
      this.#failed(error);
    }
  }

  #answered(answer: PullAnswer, elapsedMs: number): void {
    const { options, events, onMessages, onOffsetIllegal, logger, group, statistics, clock } = this.#services;
    const { processQueue } = this.consumed;
    const failures = this.mended();
    if (failures > 0) logger.info('a queue is pulled again', { group, ...this.consumed.shown, failures });
    this.#brokerId = answer.suggestedBrokerId;
    if (answer.kind === 'illegal') {
      this.stop();
      onOffsetIllegal(this.consumed, answer.nextOffset);
      return;
    }
    const before = processQueue.nextOffset;
    this.consumed.maxOffset = answer.maxOffset ?? this.consumed.maxOffset;
    if (answer.kind === 'found') {
      // Whole numbers cost a message no memory of their own.
      const pulledMs = Math.round(clock.monotonic());
      for (const message of answer.messages) message.pulledMs = pulledMs;
    }
    const added = answer.kind === 'found' ? processQueue.put(answer.messages, answer.nextOffset) : 0;
    if (answer.kind === 'nothing') processQueue.skipTo(answer.nextOffset);
    if (added > 0) statistics.pulled(this.consumed.shown.topic, clock.monotonic(), added, elapsedMs);
    if (events.observed) {
      events.emit({
        type: 'pulled',
        queue: this.consumed.shown,
        messages: added,
        sizeBytes: answer.kind === 'found' ? answer.sizeBytes : 0,
        nextOffset: processQueue.nextOffset,
        elapsedMs,
      });
    }
    if (answer.kind === 'found' && processQueue.nextOffset === before) {
      this.#failed(
        rocketMQError('RMQ_BODY_INVALID', 'the answer to a pull holds messages from before the offset only', {}),
      );
      return;
    }
    const isNothing = answer.kind === 'nothing' && processQueue.nextOffset === before;
    // The next pull leaves before the handlers run: their work hides its way.
    this.next(isNothing ? delayAfterNothing(elapsedMs, options.pullIntervalMs) : options.pullIntervalMs);
    if (added > 0) onMessages(this.consumed);
  }

  #failed(error: unknown): void {
    const { options, logger, events, group, onUnknownMember } = this.#services;
    const { failures, retryInMs } = this.countFailure(error, options.pullRetryDelayMs);
    logger[failures === 1 ? 'warn' : 'debug']('a pull failed; the queue is pulled again', {
      group,
      ...this.consumed.shown,
      offset: this.consumed.processQueue.nextOffset,
      failures,
      retryInMs,
      error,
    });
    if (events.observed) events.emit({ type: 'pullFailed', queue: this.consumed.shown, error, retryInMs });
    const code = isRocketMQError(error, 'RMQ_BROKER_ERROR') ? error.responseCode : undefined;
    if (code === ResponseCode.SUBSCRIPTION_NOT_EXIST || code === ResponseCode.SUBSCRIPTION_NOT_LATEST) {
      onUnknownMember();
    }
    this.next(retryInMs);
  }
}
