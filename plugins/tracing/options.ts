import {
  type AccessChannel,
  type OptionNames,
  requireKnown,
  rocketMQError,
  TRACE_TOPIC,
  validateTopic,
} from '../../core/index.js';

/** Where traces go, and how many wait for one another. */
export interface TracingOptions {
  /** Where traces go with the access channel LOCAL. Default `RMQ_SYS_TRACE_TOPIC`. */
  readonly traceTopic?: string;
  /**
   * `CLOUD` sends the traces of each region to a topic of its own, `rmq_sys_TRACE_DATA_<region>`, and writes what a handler
   * took without time and group, as hosted RocketMQ expects it. Default `LOCAL`.
   */
  readonly accessChannel?: AccessChannel;
  /** Region of received messages that do not name theirs, as those of a 4.9 broker with its default settings. Default none. */
  readonly region?: string;
  /** Records in one trace message. 1 to 1,000, default 100. */
  readonly batchMax?: number;
  /** Longest wait of a record for others, milliseconds. 1 to 3,600,000, default 500. */
  readonly flushIntervalMs?: number;
  /** Records that may wait; further ones are dropped and counted. 1 to 1,000,000, default 8,192. */
  readonly queueMax?: number;
}

/** {@link TracingOptions}, complete. */
export interface ResolvedTracingOptions {
  readonly traceTopic: string;
  readonly accessChannel: AccessChannel;
  readonly region: string | undefined;
  readonly batchMax: number;
  readonly flushIntervalMs: number;
  readonly queueMax: number;
}

const OPTIONS: OptionNames = {
  of: 'tracing',
  names: new Set<keyof TracingOptions>([
    'traceTopic',
    'accessChannel',
    'region',
    'batchMax',
    'flushIntervalMs',
    'queueMax',
  ]),
};

/** @throws RMQ_OPTIONS_INVALID naming the option */
export function resolveTracingOptions(options: TracingOptions): ResolvedTracingOptions {
  requireKnown(options, OPTIONS);
  const { traceTopic = TRACE_TOPIC, accessChannel = 'LOCAL', region } = options;
  const { batchMax = 100, flushIntervalMs = 500, queueMax = 8_192 } = options;
  try {
    validateTopic(traceTopic);
  } catch (error) {
    throw invalid('traceTopic', error instanceof Error ? error.message : String(error));
  }
  if (accessChannel !== 'LOCAL' && accessChannel !== 'CLOUD') throw invalid('accessChannel', 'is LOCAL or CLOUD');
  // It becomes part of a topic's name.
  if (region !== undefined && !/^[a-zA-Z0-9_-]{1,100}$/.test(region)) {
    throw invalid('region', 'is 1 to 100 of a-zA-Z0-9_-');
  }
  wholeNumber('batchMax', batchMax, 1, 1_000);
  wholeNumber('flushIntervalMs', flushIntervalMs, 1, 3_600_000);
  wholeNumber('queueMax', queueMax, 1, 1_000_000);
  return { traceTopic, accessChannel, region, batchMax, flushIntervalMs, queueMax };
}

function wholeNumber(option: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw invalid(option, `is a whole number from ${least} to ${most}, not ${String(value)}`);
}

function invalid(option: string, what: string): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', `tracing option ${option} ${what}`, { option });
}
