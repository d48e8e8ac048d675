import {
  type AccessChannel,
  type Clock,
  type Logger,
  type PluginHost,
  type Producer,
  regionTraceTopic,
  type Timer,
  type TraceRecord,
} from '../../core/index.js';
import { type PackLimits, packTraces, type TraceMessage } from './pack-traces.js';
import type { TraceDispatcher } from './trace-dispatcher.js';

/** As they are when this file is loaded: a test may fake the timers of its runner later, and wait for traces. */
const { clearImmediate, setImmediate } = globalThis;
/** Java's limit of a trace message, and what a message's properties leave for keys. */
const LIMITS: PackLimits = { sizeBytesMax: 128_000, keysBytesMax: 30_000 };
/** Records encoded before the event loop gets a turn: some tenths of a millisecond. */
const RECORDS_PER_TURN = 200;
/** Trace messages in flight; a broker that takes no more lets the queue grow, and then records are dropped. */
const IN_FLIGHT_MAX = 64;
const SEND_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** Between two warnings of traces that could not be sent. */
const WARN_INTERVAL_MS = 30_000;

export interface BrokerDispatcherOptions {
  readonly traceTopic: string;
  readonly accessChannel: AccessChannel;
  readonly batchMax: number;
  readonly flushIntervalMs: number;
  readonly queueMax: number;
}

/**
 * Sends records to the trace topic, in messages of many, with a producer of its own that nothing is attached to. Records wait
 * as they are; they are encoded when their message is made. Matches Apache's AsyncTraceDispatcher.
 */
export class BrokerTraceDispatcher implements TraceDispatcher {
  readonly #options: BrokerDispatcherOptions;
  readonly #host: Pick<PluginHost, 'producer'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #producer: Producer | undefined;
  readonly #queue: TraceRecord[] = [];
  #timer: Timer | undefined;
  #pumping: NodeJS.Immediate | undefined;
  /** How many of the queue have to go now, even if they fill no message. */
  #due = 0;
  readonly #inFlight = new Set<Promise<void>>();
  #lost = 0;
  #closed = false;
  /** Flushes that wait until nothing is due. */
  readonly #waiting: (() => void)[] = [];
  #nextWarningMs = Number.NEGATIVE_INFINITY;

  constructor(options: BrokerDispatcherOptions, host: Pick<PluginHost, 'producer' | 'clock' | 'logger'>) {
    this.#options = options;
    this.#host = host;
    this.#clock = host.clock;
    this.#logger = host.logger;
  }

  get lost(): number {
    return this.#lost;
  }

  async start(): Promise<void> {
    this.#producer = await this.#host.producer({
      internal: true,
      group: '_INNER_TRACE_PRODUCER-multistage',
      timeoutMs: SEND_TIMEOUT_MS,
      // Traces repeat themselves: the quickest level makes a tenth of them, and is cheaper than sending it all.
      compressLevel: 1,
    });
  }

  append(record: TraceRecord): boolean {
    const queue = this.#queue;
    if (this.#closed || queue.length >= this.#options.queueMax) return false;
    queue.push(record);
    this.#timer ??= this.#clock.setTimer(this.#options.flushIntervalMs, () => this.#onTimer());
    if (queue.length >= this.#options.batchMax) this.#pumpSoon();
    return true;
  }

  async flush(): Promise<void> {
    this.#due = this.#queue.length;
    this.#pump();
    while (this.#due > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await Promise.all(this.#inFlight);
  }

  async close(): Promise<void> {
    this.#closed = true;
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#clock.setTimer(CLOSE_TIMEOUT_MS, resolve, { ref: true });
    });
    await Promise.race([this.flush(), late]);
    timer?.cancel();
    this.#timer?.cancel();
    if (this.#pumping !== undefined) clearImmediate(this.#pumping);
    this.#lose(this.#queue.splice(0).length, 'the client closes');
    this.#due = 0;
    this.#wake();
    // What brokers have not answered by now is given up, and counts as lost: nothing holds up the client's close any longer.
    await this.#producer?.close({ timeoutMs: 0 });
    await Promise.all(this.#inFlight);
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#due = this.#queue.length;
    this.#pump();
  }

  #pumpSoon(): void {
    this.#pumping ??= setImmediate(() => {
      this.#pumping = undefined;
      this.#pump();
    });
  }

  /** Sends what fills messages or is due, a bounded number in one turn. */
  #pump(): void {
    const { batchMax } = this.#options;
    for (let sent = 0; this.#inFlight.size < IN_FLIGHT_MAX; sent += batchMax) {
      const { length } = this.#queue;
      if (length < batchMax && this.#due === 0) break;
      if (sent >= RECORDS_PER_TURN) {
        this.#pumpSoon();
        break;
      }
      this.#send(this.#queue.splice(0, batchMax));
      this.#due = Math.max(0, this.#due - batchMax);
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #send(records: readonly TraceRecord[]): void {
    const { accessChannel, traceTopic } = this.#options;
    if (accessChannel === 'LOCAL') {
      for (const message of packTraces(records, () => traceTopic, accessChannel, LIMITS)) this.#launch(message);
      return;
    }
    const named = records.filter(({ regionId }) => regionId !== undefined);
    if (named.length < records.length) this.#lose(records.length - named.length, 'they name no region');
    const topicOf = ({ regionId }: TraceRecord): string => regionTraceTopic(regionId as string);
    for (const message of packTraces(named, topicOf, accessChannel, LIMITS)) this.#launch(message);
  }

  #launch({ topic, body, keys, records }: TraceMessage): void {
    const producer = this.#producer;
    if (producer === undefined) {
      this.#lose(records, 'the dispatcher was not started');
      return;
    }
    const sending = producer
      .send({ topic, body, keys })
      .catch((error: unknown) => this.#lose(records, 'they could not be sent', error))
      .then(() => {
        this.#inFlight.delete(sending);
        this.#pump();
      });
    this.#inFlight.add(sending);
  }

  #lose(records: number, why: string, error?: unknown): void {
    if (records === 0) return;
    this.#lost += records;
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#nextWarningMs) return;
    this.#nextWarningMs = nowMs + WARN_INTERVAL_MS;
    this.#logger.warn(`traces are lost: ${why}`, { lost: this.#lost, ...(error !== undefined && { error }) });
  }
}
