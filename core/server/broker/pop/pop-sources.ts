import { popRetryTopicOf } from '../../../message/system-topics.js';
import type { PopTarget } from './pop-fields.js';
import type { RetryFlag } from './pop-receipt.js';

/** Of so many pops one looks for retries first; the others do when there is room left (popFromRetryProbability 20). */
const RETRY_FIRST_EVERY = 5;

/** A queue to look into. */
export interface PopSource {
  readonly topic: string;
  readonly retryFlag: RetryFlag;
  readonly queueId: number;
}

export interface PopSourcesOptions {
  /** Queues of the topic. */
  readonly queueNums: number;
  /** Queues of its retry topic; 0 where there is none, or where order rules retries out. */
  readonly retryQueueNums: number;
  /** Counts up: not always the same queue is looked into first. */
  readonly turn: number;
}

/** The queues that a pop looks into, in order. */
export function popSources({ group, topic, queueId }: PopTarget, options: PopSourcesOptions): readonly PopSource[] {
  const { queueNums, retryQueueNums, turn } = options;
  const of = (name: string, retryFlag: RetryFlag, count: number): PopSource[] =>
    Array.from({ length: count }, (_, index) => ({ topic: name, retryFlag, queueId: (turn + index) % count }));
  const retries = of(popRetryTopicOf(topic, group), '1', retryQueueNums);
  const own = queueId < 0 ? of(topic, '0', queueNums) : [{ topic, retryFlag: '0' as const, queueId }];
  return turn % RETRY_FIRST_EVERY === 0 ? [...retries, ...own] : [...own, ...retries];
}
