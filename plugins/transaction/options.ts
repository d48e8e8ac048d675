import { type ProducerOptions, rocketMQError, validateTopic } from '../../core/index.js';
import { wordsOf } from './local-state.js';
import type { Check, Execute, TransactionProducerOptions } from './transaction-producer.js';

/** For a whole transactional send. */
const TIMEOUT_MS = 30_000;
/** For one broker's answer to a half message. */
const ATTEMPT_TIMEOUT_MS = 3_000;
/** A topic that all brokers have that create topics. */
const CREATE_TOPIC_KEY = 'TBW102';
const CHECK_CONCURRENCY = 16;
const CHECK_TIMEOUT_MS = 30_000;

/** {@link TransactionProducerOptions}, checked and complete. */
export interface ResolvedTransactionOptions<A> {
  readonly producer: ProducerOptions;
  readonly execute: Execute<A>;
  readonly check: Check;
  readonly topics: readonly string[];
  readonly checkConcurrency: number;
  readonly checkTimeoutMs: number;
}

/** @throws RMQ_OPTIONS_INVALID naming the option; those of any producer are checked where it is made */
export function resolveTransactionOptions<A>(options: TransactionProducerOptions<A>): ResolvedTransactionOptions<A> {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'expected an object');
  const {
    execute,
    check,
    topics = [options.createTopicKey ?? CREATE_TOPIC_KEY],
    checkConcurrency = CHECK_CONCURRENCY,
    checkTimeoutMs = CHECK_TIMEOUT_MS,
    ...producer
  } = options;
  if (typeof execute !== 'function') throw invalid('execute', 'expected a function');
  if (typeof check !== 'function') throw invalid('check', 'expected a function');
  if (!Number.isInteger(checkConcurrency) || checkConcurrency < 1) {
    throw invalid('checkConcurrency', `expected a whole number from 1, got ${String(checkConcurrency)}`);
  }
  if (!(typeof checkTimeoutMs === 'number' && checkTimeoutMs > 0)) {
    throw invalid('checkTimeoutMs', `expected milliseconds above 0, got ${String(checkTimeoutMs)}`);
  }
  if (!Array.isArray(topics)) throw invalid('topics', 'expected an array of names of topics');
  for (const topic of options.topics ?? []) checkTopic(topic);
  return {
    producer: { timeoutMs: TIMEOUT_MS, attemptTimeoutMs: ATTEMPT_TIMEOUT_MS, ...producer },
    execute,
    check,
    topics,
    checkConcurrency,
    checkTimeoutMs,
  };
}

/** What no topic can be called would be asked for in vain, again and again. */
function checkTopic(topic: string): void {
  try {
    validateTopic(topic);
  } catch (error) {
    throw invalid('topics', wordsOf(error));
  }
}

function invalid(option: string, what: string): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', `transaction option ${option}: ${what}`, { option });
}
