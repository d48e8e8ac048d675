import { type OptionNames, requireKnown } from '../../runtime/known-options.js';
import type { AllocateStrategy } from '../allocation/allocate-strategy.js';
import type {
  ConsumerOptions,
  HandlerRetry,
  RequestMode,
  ResolvedConsumerOptions,
  StartFrom,
} from './consumer-options.js';
import { flag, functionOption, invalid, limit, oneOf, rate, whole } from './option-checks.js';
import { commonOptions, heldTimeout, readingOptions, suspendTimeout } from './shared-options.js';

const CONSUMER: OptionNames = {
  of: 'a consumer',
  names: new Set<keyof ConsumerOptions>([
    'group',
    'subscribe',
    'from',
    'messageModel',
    'messageRequestMode',
    'popInvisibleTimeMs',
    'popBatchSize',
    'popThresholdForQueue',
    'ordered',
    'suspendCurrentQueueTimeMs',
    'poison',
    'allocateStrategy',
    'localOffsetStoreDir',
    'concurrency',
    'batchSize',
    'pullBatchSize',
    'pullThresholdForQueue',
    'pullThresholdSizeForQueueMiB',
    'pullThresholdForTopic',
    'pullThresholdSizeForTopicMiB',
    'consumeConcurrentlyMaxSpan',
    'messagesPerSecond',
    'pullIntervalMs',
    'suspendTimeoutMs',
    'pullTimeoutMs',
    'pullRetryDelayMs',
    'maxReconsumeTimes',
    'backOff',
    'handlerRetry',
    'undecodable',
    'consumeTimeoutMs',
    'rebalanceIntervalMs',
    'persistOffsetIntervalMs',
    'requestTimeoutMs',
    'decompressedSizeBytesMax',
    'signal',
  ]),
};

/**
 * Checks every option by name and fills in the defaults. Group and subscriptions are checked where they are read.
 * @throws RMQ_OPTIONS_INVALID
 */
export function resolveConsumerOptions(options: ConsumerOptions): ResolvedConsumerOptions {
  requireKnown(options ?? null, CONSUMER);
  const reading = readingOptions(options);
  const { from, messageModel } = reading;
  const ordered = flag('ordered', options.ordered);
  if (ordered && messageModel === 'broadcasting') throw invalid('ordered', 'false with broadcasting', true);
  const suspendTimeoutMs = suspendTimeout(options.suspendTimeoutMs, 15_000);
  const messageRequestMode = oneOf('messageRequestMode', options.messageRequestMode, ['pull', 'pop', 'assigned']);
  if (messageRequestMode !== 'pull') checkNotPulled(messageRequestMode, messageModel, ordered, from);
  return {
    ...commonOptions(options),
    ...reading,
    messageRequestMode,
    popInvisibleTimeMs: whole('popInvisibleTimeMs', options.popInvisibleTimeMs, 60_000, 5_000, 300_000),
    popBatchSize: whole('popBatchSize', options.popBatchSize, 32, 1, 32),
    popThresholdForQueue: whole('popThresholdForQueue', options.popThresholdForQueue, 96, 1, 65_535),
    ordered,
    suspendCurrentQueueTimeMs: whole('suspendCurrentQueueTimeMs', options.suspendCurrentQueueTimeMs, 1_000, 10, 30_000),
    poison: oneOf('poison', options.poison, ['deadLetter', 'skip']),
    allocateStrategy: ofBrokers(messageRequestMode, reading.allocateStrategy),
    concurrency: whole('concurrency', options.concurrency, 20, 1, 1_000),
    batchSize: whole('batchSize', options.batchSize, 1, 1, 1_024),
    pullBatchSize: whole('pullBatchSize', options.pullBatchSize, 32, 1, 1_024),
    pullThresholdForTopic: limit('pullThresholdForTopic', options.pullThresholdForTopic, 6_553_500),
    pullThresholdSizeForTopicBytes: mebibytes(
      limit('pullThresholdSizeForTopicMiB', options.pullThresholdSizeForTopicMiB, 102_400),
    ),
    consumeConcurrentlyMaxSpan: whole(
      'consumeConcurrentlyMaxSpan',
      options.consumeConcurrentlyMaxSpan,
      2_000,
      1,
      65_535,
    ),
    messagesPerSecond: rate('messagesPerSecond', options.messagesPerSecond),
    pullIntervalMs: whole('pullIntervalMs', options.pullIntervalMs, 0, 0, 65_535),
    suspendTimeoutMs,
    pullTimeoutMs: heldTimeout('pullTimeoutMs', options.pullTimeoutMs, suspendTimeoutMs, 15_000),
    maxReconsumeTimes: whole(
      'maxReconsumeTimes',
      options.maxReconsumeTimes,
      ordered ? 2_147_483_647 : 16,
      0,
      2_147_483_647,
    ),
    retry: { here: handlerRetry(options.handlerRetry), backOff: functionOption('backOff', options.backOff) },
    undecodable: oneOf('undecodable', options.undecodable, ['retry', 'deadLetter', 'skip']),
    consumeTimeoutMs: consumeTimeout(options.consumeTimeoutMs, ordered),
    persistOffsetIntervalMs: whole('persistOffsetIntervalMs', options.persistOffsetIntervalMs, 5_000, 100, 3_600_000),
    signal: options.signal,
  };
}

/** Brokers that share queues out know two strategies, by their names. */
function ofBrokers(mode: RequestMode, given: AllocateStrategy | undefined): AllocateStrategy | undefined {
  if (mode !== 'assigned' || given === undefined || given.name === 'AVG' || given.name === 'AVG_BY_CIRCLE')
    return given;
  throw invalid(
    'allocateStrategy',
    "allocateAveragely or allocateByCircle with messageRequestMode 'assigned'",
    given.name,
  );
}

/** Brokers that give messages out keep no order among them, and begin at an end of a queue only. */
function checkNotPulled(
  mode: RequestMode,
  messageModel: ResolvedConsumerOptions['messageModel'],
  ordered: boolean,
  from: StartFrom,
): void {
  const only = (what: string) => invalid('messageRequestMode', `'pull' with ${what}`, mode);
  if (messageModel === 'broadcasting') throw only('broadcasting');
  if (ordered) throw only('ordered');
  if (mode === 'pop' && typeof from === 'object') throw invalid('from', "'first' or 'last' with pop", from);
}

function handlerRetry(retry: HandlerRetry | undefined): Required<HandlerRetry> {
  if (retry === undefined) return { attempts: 0, initialDelayMs: 1_000, maxDelayMs: 30_000 };
  if (typeof retry !== 'object' || retry === null) throw invalid('handlerRetry', 'an object', retry);
  for (const name of Object.keys(retry)) {
    if (name !== 'attempts' && name !== 'initialDelayMs' && name !== 'maxDelayMs') {
      throw invalid(`handlerRetry.${name}`, 'absent: there are attempts, initialDelayMs and maxDelayMs', name);
    }
  }
  const { attempts } = retry;
  if (attempts !== Number.POSITIVE_INFINITY && !(Number.isInteger(attempts) && attempts >= 0)) {
    throw invalid('handlerRetry.attempts', 'a whole number from 0, or Infinity', attempts);
  }
  const initialDelayMs = whole('handlerRetry.initialDelayMs', retry.initialDelayMs, 1_000, 1, 86_400_000);
  const longest = Math.max(30_000, initialDelayMs);
  const maxDelayMs = whole('handlerRetry.maxDelayMs', retry.maxDelayMs, longest, initialDelayMs, 86_400_000);
  return { attempts, initialDelayMs, maxDelayMs };
}

/** Nobody may go on behind a handler that is still at work. */
function consumeTimeout(value: number | undefined, ordered: boolean): number {
  const timeoutMs = whole('consumeTimeoutMs', value, 900_000, 1_000, 86_400_000);
  return ordered ? Number.POSITIVE_INFINITY : timeoutMs;
}

function mebibytes(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1024 * 1024;
}
