import { isRocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import { queueKey } from '../queues/consumed-queue.js';
import { FAILING_MS, type QueueHealth } from '../report/health.js';
import type { PullResult } from './pull-consumer.js';

interface Pulled {
  readonly queue: MessageQueue;
  lastPullMs: number;
  progressMs: number;
  answer: Pick<PullResult, 'nextBeginOffset' | 'maxOffset'> | undefined;
  /** Of the pulls since the last that succeeded. */
  firstFailureMs: number | undefined;
  lastFailureMs: number;
  suggestedBrokerId: number;
}

/** What single pulls told of their queues. All times are monotonic milliseconds. */
export class PulledQueues {
  readonly #queues = new Map<string, Pulled>();
  #lastPullMs: number | undefined;

  /** When anything was pulled last; undefined before the first time. */
  get lastPullMs(): number | undefined {
    return this.#lastPullMs;
  }

  /** @param queue as the application writes it */
  began({ topic, brokerName, queueId }: MessageQueue, nowMs: number): void {
    this.#lastPullMs = nowMs;
    const queue = { topic, brokerName, queueId };
    const pulled = this.#queues.get(queueKey(queue));
    if (pulled !== undefined) pulled.lastPullMs = nowMs;
    else {
      const never = { answer: undefined, firstFailureMs: undefined, lastFailureMs: nowMs, suggestedBrokerId: 0 };
      this.#queues.set(queueKey(queue), { queue, lastPullMs: nowMs, progressMs: nowMs, ...never });
    }
  }

  /** Which of the brokers of its name the queue is to be pulled from next. Default 0, the master. */
  suggestedBrokerId(queue: MessageQueue): number {
    return this.#queues.get(queueKey(queue))?.suggestedBrokerId ?? 0;
  }

  suggested(queue: MessageQueue, brokerId: number): void {
    const pulled = this.#queues.get(queueKey(queue));
    if (pulled !== undefined) pulled.suggestedBrokerId = brokerId;
  }

  answered(queue: MessageQueue, answer: PullResult, nowMs: number): void {
    const pulled = this.#queues.get(queueKey(queue));
    if (pulled === undefined) return;
    if (pulled.answer?.nextBeginOffset !== answer.nextBeginOffset) pulled.progressMs = nowMs;
    const { nextBeginOffset, maxOffset } = answer;
    pulled.answer = { nextBeginOffset, maxOffset };
    pulled.firstFailureMs = undefined;
  }

  /** A pull that the application took back says nothing. */
  failed(queue: MessageQueue, error: unknown, nowMs: number): void {
    const pulled = this.#queues.get(queueKey(queue));
    if (pulled === undefined || isRocketMQError(error, 'RMQ_REQUEST_ABORTED')) return;
    pulled.firstFailureMs ??= nowMs;
    pulled.lastFailureMs = nowMs;
  }

  health(nowMs: number): readonly QueueHealth[] {
    return [...this.#queues.values()].map((pulled) => {
      const { queue, lastPullMs, progressMs, answer, firstFailureMs, lastFailureMs } = pulled;
      // Up to the last try: an application that gave up pulls no more.
      const failingMs = firstFailureMs === undefined ? 0 : lastFailureMs - firstFailureMs;
      const fails = failingMs > FAILING_MS;
      return {
        ...queue,
        verdict: fails ? 'failing' : 'reading',
        reason: fails ? `its pulls have failed for ${Math.round(failingMs / 1_000)} s` : undefined,
        sinceLastPullMs: nowMs - lastPullMs,
        sinceProgressMs: nowMs - progressMs,
        inFlight: 0,
        oldestUnacknowledged: undefined,
        lag: answer && Math.max(0, answer.maxOffset - answer.nextBeginOffset),
        receiptsExpired: 0,
      };
    });
  }
}
