import { rocketMQError } from '../errors/rocketmq-error.js';
import { DECOMPRESSED_BYTES_MAX } from '../message/compression/decompress.js';
import type { AllocateStrategy } from './allocation/allocate-strategy.js';
import type {
  ConsumerOptions,
  HandlerRetry,
  RequestMode,
  ResolvedConsumerOptions,
  StartFrom,
} from './consumer-options.js';
import { abortSignal, flag, functionOption, invalid, limit, oneOf, rate, whole } from './option-checks.js';

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof ConsumerOptions>([
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
]);

/**
 * Checks every option by name and fills in the defaults. Group and subscriptions are checked where they are read.
 * @throws RMQ_OPTIONS_INVALID
 */
export function resolveConsumerOptions(options: ConsumerOptions): ResolvedConsumerOptions {
  if (typeof options !== 'object' || options === null) throw invalid('consumer', 'an object', options);
  for (const name of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(name)) {
      throw rocketMQError(
        'RMQ_OPTIONS_INVALID',
        `a consumer has no option ${name}; there are ${[...KNOWN_OPTIONS].join(', ')}`,
        {
          option: name,
        },
      );
    }
  }
  const messageModel = oneOf('messageModel', options.messageModel, ['clustering', 'broadcasting']);
  const ordered = flag('ordered', options.ordered);
  if (ordered && messageModel === 'broadcasting') throw invalid('ordered', 'false with broadcasting', true);
  const suspendTimeoutMs = whole('suspendTimeoutMs', options.suspendTimeoutMs, 15_000, 1_000, 60_000);
  const messageRequestMode = oneOf('messageRequestMode', options.messageRequestMode, ['pull', 'pop', 'assigned']);
  const from = startFrom(options.from);
  if (messageRequestMode !== 'pull') checkNotPulled(messageRequestMode, messageModel, ordered, from);
  return {
    from,
    messageModel,
    messageRequestMode,
    popInvisibleTimeMs: whole('popInvisibleTimeMs', options.popInvisibleTimeMs, 60_000, 5_000, 300_000),
    popBatchSize: whole('popBatchSize', options.popBatchSize, 32, 1, 32),
    popThresholdForQueue: whole('popThresholdForQueue', options.popThresholdForQueue, 96, 1, 65_535),
    ordered,
    suspendCurrentQueueTimeMs: whole('suspendCurrentQueueTimeMs', options.suspendCurrentQueueTimeMs, 1_000, 10, 30_000),
    poison: oneOf('poison', options.poison, ['deadLetter', 'skip']),
    allocateStrategy: ofBrokers(messageRequestMode, strategy(options.allocateStrategy)),
    localOffsetStoreDir: folder('localOffsetStoreDir', options.localOffsetStoreDir),
    concurrency: whole('concurrency', options.concurrency, 20, 1, 1_000),
    batchSize: whole('batchSize', options.batchSize, 1, 1, 1_024),
    pullBatchSize: whole('pullBatchSize', options.pullBatchSize, 32, 1, 1_024),
    pullThresholdForQueue: whole('pullThresholdForQueue', options.pullThresholdForQueue, 1_000, 1, 65_535),
    pullThresholdSizeForQueueBytes:
      whole('pullThresholdSizeForQueueMiB', options.pullThresholdSizeForQueueMiB, 100, 1, 1_024) * 1024 * 1024,
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
    pullTimeoutMs: whole(
      'pullTimeoutMs',
      options.pullTimeoutMs,
      Math.max(30_000, suspendTimeoutMs + 15_000),
      suspendTimeoutMs + 1,
      600_000,
    ),
    pullRetryDelayMs: whole('pullRetryDelayMs', options.pullRetryDelayMs, 1_000, 1, 60_000),
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
    rebalanceIntervalMs: whole('rebalanceIntervalMs', options.rebalanceIntervalMs, 20_000, 1_000, 3_600_000),
    persistOffsetIntervalMs: whole('persistOffsetIntervalMs', options.persistOffsetIntervalMs, 5_000, 100, 3_600_000),
    requestTimeoutMs: whole('requestTimeoutMs', options.requestTimeoutMs, 3_000, 1, 600_000),
    decompressedSizeBytesMax: whole(
      'decompressedSizeBytesMax',
      options.decompressedSizeBytesMax,
      DECOMPRESSED_BYTES_MAX,
      1,
      1_073_741_824,
    ),
    signal: abortSignal('signal', options.signal),
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

export function strategy(value: AllocateStrategy | undefined): AllocateStrategy | undefined {
  if (value === undefined || (typeof value === 'object' && typeof value?.allocate === 'function')) return value;
  throw invalid('allocateStrategy', 'an object with name and allocate', value);
}

export function folder(option: string, value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw invalid(option, 'the path of a folder', value);
}

export function startFrom(from: StartFrom | undefined): StartFrom {
  if (from === undefined) return 'last';
  if (from === 'last' || from === 'first') return from;
  if (typeof from === 'object' && from !== null && Number.isSafeInteger(from.timestamp) && from.timestamp >= 0) {
    return { timestamp: from.timestamp };
  }
  throw invalid('from', "'last', 'first' or { timestamp: milliseconds since 1970 }", from);
}

function mebibytes(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1024 * 1024;
}
