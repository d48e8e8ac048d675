import type { MessageQueue } from '../../message/message.js';
import type { Clock } from '../../runtime/clock.js';
import { betterHalf, FaultTable } from './fault-table.js';
import { type LatencyFaultSettings, notAvailableDuration } from './latency-fault-options.js';

/** A topic's place in the rotation of its queues. */
interface Turn {
  /** Goes on by one. Returns an index of the queues. */
  step(): number;
  /** Goes on from a random place. */
  restart(): void;
}

/**
 * Latency-fault tolerance: remembers how long brokers took and which of them failed, and chooses queues of the others.
 * Matches Apache's MQFaultStrategy with sendLatencyFaultEnable, of 4.9 or of 5.x by its settings.
 */
export class LatencyFaults {
  readonly table = new FaultTable();
  readonly settings: LatencyFaultSettings;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Counts the choices of 4.9's last resort, so that they take turns. */
  #resorts: number;

  /** `random` gives 0 included to 1 excluded. */
  constructor(settings: LatencyFaultSettings, clock: Pick<Clock, 'monotonic'>, random: () => number) {
    this.settings = settings;
    this.#clock = clock;
    this.#resorts = Math.floor(random() * 1_000);
  }

  record(
    brokerName: string,
    elapsedMs: number,
    failure: 'unreachable' | 'refused' | 'timeout' | undefined,
    topic: string,
  ): void {
    const { form, isolationLatencyMs, detector } = this.settings;
    const item = this.table.item(brokerName, topic);
    const durationMs = notAvailableDuration(this.settings, failure === undefined ? elapsedMs : isolationLatencyMs);
    const availableFromMs = this.#clock.monotonic() + durationMs;
    item.latencyMs = elapsedMs;
    if (form === '4.9') {
      item.availableFromMs = availableFromMs;
      return;
    }
    // 5.x never shortens what was decided, and calls a broker unreachable that refused, or that a detector will watch.
    if (durationMs > 0 && availableFromMs > item.availableFromMs) item.availableFromMs = availableFromMs;
    item.reachable = failure === undefined || (failure !== 'refused' && detector === undefined);
  }

  isAvailable(brokerName: string): boolean {
    return this.table.isAvailable(brokerName, this.#clock.monotonic());
  }

  /** Index of the queue to send to; undefined when no broker is better than another, and it is plainly the next one's turn. */
  choose(queues: readonly MessageQueue[], turn: Turn, failedBroker: string | undefined): number | undefined {
    return this.settings.form === '4.9' ? this.#choose49(queues, turn) : this.#choose5x(queues, turn, failedBroker);
  }

  #choose49(queues: readonly MessageQueue[], turn: Turn): number | undefined {
    const nowMs = this.#clock.monotonic();
    for (let step = 0; step < queues.length; step++) {
      const index = turn.step();
      if (this.table.isAvailable(queues[index]!.brokerName, nowMs)) return index;
    }
    const candidates = betterHalf(this.table.items, nowMs);
    const resort = this.#resorts++;
    const picked = candidates[resort % candidates.length]?.brokerName;
    const ofPicked = queues.flatMap(({ brokerName }, index) => (brokerName === picked ? [index] : []));
    return ofPicked[Math.floor(resort / candidates.length) % ofPicked.length];
  }

  #choose5x(queues: readonly MessageQueue[], turn: Turn, failedBroker: string | undefined): number | undefined {
    if (failedBroker !== undefined) turn.restart();
    const nowMs = this.#clock.monotonic();
    for (let step = 0; step < queues.length; step++) {
      const index = turn.step();
      const { brokerName } = queues[index]!;
      if (brokerName !== failedBroker && this.table.isAvailable(brokerName, nowMs)) return index;
    }
    for (let step = 0; step < queues.length; step++) {
      const index = turn.step();
      const { brokerName } = queues[index]!;
      if (brokerName !== failedBroker && this.table.isReachable(brokerName)) return index;
    }
    return undefined;
  }
}
