import { rocketMQError } from '../errors/rocketmq-error.js';
import type { CompressionName, CompressionType } from '../message/compression/compressor.js';
import { MESSAGE_SIZE_BYTES_MAX, validateGroup, validateTopic } from '../message/message-rules.js';
import { SystemTopic } from '../message/system-topics.js';
import type { NotStoredPolicy, PipelineOptions } from '../pipeline/options.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import { resolveLatencyFault } from '../routing/latency-fault/latency-fault-options.js';
import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import type { AutoBatchOptions, ProducerOptions, ResolvedAutoBatch } from './options.js';

/** Codes after which Java's clients make another attempt, those of 4.9 and of 5.x together, and 215: a broker that has too much to do. */
const RETRY_RESPONSE_CODES: readonly number[] = [
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
];

export interface ResolvedProducerOptions {
  readonly pipeline: PipelineOptions;
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** Undefined when sends do not wait for one another. */
  readonly autoBatch: ResolvedAutoBatch | undefined;
}

const NOT_STORED_POLICIES: readonly NotStoredPolicy[] = ['return', 'retry', 'throw'];
const COMPRESSIONS: readonly CompressionName[] = ['zlib', 'lz4', 'zstd'];
const PRODUCER: OptionNames = {
  of: 'a producer',
  names: new Set<keyof ProducerOptions>([
    'group',
    'timeoutMs',
    'retries',
    'attemptTimeoutMs',
    'compressThresholdBytes',
    'compression',
    'compressLevel',
    'maxMessageSizeBytes',
    'createTopicKey',
    'defaultTopicQueueNums',
    'retryResponseCodes',
    'notStored',
    'latencyFault',
    'backPressure',
    'autoBatch',
  ]),
};

/** Validates a producer's options by name and fills in the defaults. @throws RMQ_OPTIONS_INVALID */
export function resolveProducerOptions(options: ProducerOptions, unitMode = false): ResolvedProducerOptions {
  requireKnown(options ?? null, PRODUCER);
  validateGroup(options.group);
  const { notStored = 'return', createTopicKey = SystemTopic.AUTO_CREATE_TOPIC_KEY, backPressure = {} } = options;
  if (!NOT_STORED_POLICIES.includes(notStored)) {
    throw invalid('notStored', `has to be one of ${NOT_STORED_POLICIES.join(', ')}`, notStored);
  }
  try {
    validateTopic(createTopicKey);
  } catch {
    throw invalid('createTopicKey', 'has to be the name of a topic', createTopicKey);
  }
  named('backPressure', backPressure, ['messagesMax', 'bytesMax']);
  const { compressThresholdBytes = 4_096 } = options;
  const maxMessageSizeBytes = integer('maxMessageSizeBytes', options.maxMessageSizeBytes ?? MESSAGE_SIZE_BYTES_MAX, 1);
  return {
    pipeline: {
      group: options.group,
      timeoutMs: positive('timeoutMs', options.timeoutMs ?? 3_000),
      retries: integer('retries', options.retries ?? 2, 0, 1_000),
      attemptTimeoutMs:
        options.attemptTimeoutMs === undefined ? undefined : positive('attemptTimeoutMs', options.attemptTimeoutMs),
      compressThresholdBytes:
        compressThresholdBytes === Number.POSITIVE_INFINITY
          ? compressThresholdBytes
          : integer('compressThresholdBytes', compressThresholdBytes, 0, Number.MAX_SAFE_INTEGER),
      compression: compressionOf(options.compression),
      compressLevel: integer('compressLevel', options.compressLevel ?? 5, 1, 9),
      maxMessageSizeBytes,
      createTopicKey,
      defaultTopicQueueNums: integer('defaultTopicQueueNums', options.defaultTopicQueueNums ?? 4, 1),
      retryResponseCodes: new Set([...RETRY_RESPONSE_CODES, ...responseCodes(options.retryResponseCodes ?? [])]),
      notStored,
      latencyFault: options.latencyFault === undefined ? undefined : resolveLatencyFault(options.latencyFault),
      unitMode,
    },
    messagesMax: integer('backPressure.messagesMax', backPressure.messagesMax ?? 10_000, 1),
    bytesMax: integer('backPressure.bytesMax', backPressure.bytesMax ?? 100 * 1024 * 1024, 1, Number.MAX_SAFE_INTEGER),
    autoBatch: resolveAutoBatch(options.autoBatch, maxMessageSizeBytes),
  };
}

function compressionOf(name: CompressionName | undefined): CompressionType | undefined {
  if (name === undefined) return undefined;
  if (!COMPRESSIONS.includes(name)) throw invalid('compression', `has to be one of ${COMPRESSIONS.join(', ')}`, name);
  return name.toUpperCase() as CompressionType;
}

const AUTO_BATCH_BYTES = 32 * 1024;

function resolveAutoBatch(
  given: boolean | AutoBatchOptions | undefined,
  maxMessageSizeBytes: number,
): ResolvedAutoBatch | undefined {
  if (given === undefined || given === false) return undefined;
  const options = given === true ? {} : given;
  named('autoBatch', options, ['lingerMs', 'sizeBytesMax', 'totalBytesMax'], 'true, false or an object');
  const { lingerMs = 10, totalBytesMax = 32 * 1024 * 1024 } = options;
  const { sizeBytesMax = Math.min(AUTO_BATCH_BYTES, maxMessageSizeBytes) } = options;
  return {
    lingerMs: positive('autoBatch.lingerMs', lingerMs),
    sizeBytesMax: integer('autoBatch.sizeBytesMax', sizeBytesMax, 1, maxMessageSizeBytes),
    totalBytesMax: integer('autoBatch.totalBytesMax', totalBytesMax, 1, Number.MAX_SAFE_INTEGER),
  };
}

/** @throws RMQ_OPTIONS_INVALID unless the value is an object of these names */
function named(option: string, value: unknown, names: readonly string[], expected = 'an object'): void {
  if (typeof value !== 'object' || value === null) throw invalid(option, `has to be ${expected}`, value);
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) throw invalid(`${option}.${name}`, `is none of ${names.join(', ')}`);
  }
}

/** @throws RMQ_OPTIONS_INVALID unless the value is a number above 0; Infinity is allowed */
export function positive(option: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value;
  throw invalid(option, 'has to be a number above 0', value);
}

/** @throws RMQ_OPTIONS_INVALID */
export function integer(option: string, value: unknown, min: number, max = 0x7fffffff): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw invalid(option, `has to be an integer from ${min} to ${max}`, value);
}

function responseCodes(codes: unknown): readonly number[] {
  if (!Array.isArray(codes)) throw invalid('retryResponseCodes', 'has to be an array of response codes', codes);
  return codes.map((code) => integer('retryResponseCodes', code, 1));
}

/** `options`: a value that is not allowed, named. */
export function invalid(option: string, what: string, value?: unknown) {
  const shown =
    value === undefined ? '' : `, it is ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
  return rocketMQError('RMQ_OPTIONS_INVALID', `${option} ${what}${shown}`, { option });
}
