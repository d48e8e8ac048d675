import { rocketMQError } from '../../errors/rocketmq-error.js';

/** Which of Apache's two clients the rules are taken from. */
export type LatencyFaultForm = '4.9' | '5.x';

/** How a 5.x client finds out that a broker which could not be reached can be reached again. */
export interface ReachabilityDetectorOptions {
  /** How often each such broker is asked. Default 2,000. Matches detectInterval. */
  readonly intervalMs?: number;
  /** How long it may take to answer. Default 200. Matches detectTimeout. */
  readonly timeoutMs?: number;
}

/** Keeps sends away from brokers that were slow or failed, for a while that depends on how slow. */
export interface LatencyFaultOptions {
  readonly form: LatencyFaultForm;
  /** Thresholds, ascending: from this latency on, the duration at the same place counts. Default: the form's own table. */
  readonly latencyMaxMs?: readonly number[];
  /** For how long a broker gets no sends, one for each threshold. Default: the form's own table. */
  readonly notAvailableDurationMs?: readonly number[];
  /** Only in the form 5.x. `{}` for its defaults; off unless given. */
  readonly detector?: ReachabilityDetectorOptions;
}

/** The same, checked and complete. */
export interface LatencyFaultSettings {
  readonly form: LatencyFaultForm;
  readonly latencyMaxMs: readonly number[];
  readonly notAvailableDurationMs: readonly number[];
  /** The latency that a failed attempt counts as. */
  readonly isolationLatencyMs: number;
  readonly detector: Required<ReachabilityDetectorOptions> | undefined;
}

/** The tables of Apache's two MQFaultStrategy classes. */
const LATENCY_FAULT_FORMS: Readonly<Record<LatencyFaultForm, Omit<LatencyFaultSettings, 'form' | 'detector'>>> = {
  '4.9': {
    latencyMaxMs: [50, 100, 550, 1_000, 2_000, 3_000, 15_000],
    notAvailableDurationMs: [0, 0, 30_000, 60_000, 120_000, 180_000, 600_000],
    isolationLatencyMs: 30_000,
  },
  '5.x': {
    latencyMaxMs: [50, 100, 550, 1_800, 3_000, 5_000, 15_000],
    notAvailableDurationMs: [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000],
    isolationLatencyMs: 10_000,
  },
};

const OPTIONS = ['form', 'latencyMaxMs', 'notAvailableDurationMs', 'detector'];
const DETECTOR_OPTIONS = ['intervalMs', 'timeoutMs'];

/** Checks the options by name and fills in the defaults. @throws RMQ_OPTIONS_INVALID */
export function resolveLatencyFault(options: LatencyFaultOptions): LatencyFaultSettings {
  known('latencyFault', options, OPTIONS);
  const { form } = options;
  if (!Object.hasOwn(LATENCY_FAULT_FORMS, form)) throw invalid('latencyFault.form', "has to be '4.9' or '5.x'");
  const defaults = LATENCY_FAULT_FORMS[form];
  const latencyMaxMs = numbers('latencyFault.latencyMaxMs', options.latencyMaxMs ?? defaults.latencyMaxMs);
  const notAvailableDurationMs = numbers(
    'latencyFault.notAvailableDurationMs',
    options.notAvailableDurationMs ?? defaults.notAvailableDurationMs,
  );
  if (latencyMaxMs.some((latency, index) => index > 0 && latency <= latencyMaxMs[index - 1]!)) {
    throw invalid('latencyFault.latencyMaxMs', 'has to ascend');
  }
  if (latencyMaxMs.length !== notAvailableDurationMs.length) {
    throw invalid(
      'latencyFault.notAvailableDurationMs',
      `needs one entry for each of ${latencyMaxMs.length} latencies`,
    );
  }
  return {
    form,
    latencyMaxMs,
    notAvailableDurationMs,
    isolationLatencyMs: defaults.isolationLatencyMs,
    detector: options.detector === undefined ? undefined : resolveDetector(form, options.detector),
  };
}

/** How long a broker is left alone that took `latencyMs`: the entry of the largest threshold that is not above it. */
export function notAvailableDuration(settings: LatencyFaultSettings, latencyMs: number): number {
  const { latencyMaxMs, notAvailableDurationMs } = settings;
  for (let index = latencyMaxMs.length - 1; index >= 0; index--) {
    if (latencyMs >= latencyMaxMs[index]!) return notAvailableDurationMs[index]!;
  }
  return 0;
}

function resolveDetector(
  form: LatencyFaultForm,
  detector: ReachabilityDetectorOptions,
): Required<ReachabilityDetectorOptions> {
  if (form !== '5.x') throw invalid('latencyFault.detector', 'is of the form 5.x only');
  known('latencyFault.detector', detector, DETECTOR_OPTIONS);
  const [intervalMs, timeoutMs] = [detector.intervalMs ?? 2_000, detector.timeoutMs ?? 200];
  if (!isTime(intervalMs) || intervalMs === 0) throw invalid('latencyFault.detector.intervalMs', 'has to be above 0');
  if (!isTime(timeoutMs) || timeoutMs === 0) throw invalid('latencyFault.detector.timeoutMs', 'has to be above 0');
  return { intervalMs, timeoutMs };
}

function known(option: string, value: object, names: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw invalid(option, 'has to be an object');
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(`${option}.${unknown}`, `does not exist; there are ${names.join(', ')}`);
}

function numbers(option: string, values: readonly number[]): readonly number[] {
  if (Array.isArray(values) && values.length > 0 && values.every(isTime)) return [...values];
  throw invalid(option, 'has to be an array of milliseconds');
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 0x7fffffff;
}

function invalid(option: string, what: string): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', `${option} ${what}`, { option });
}
