import type { ConsumeStatus } from '../../remoting/protocol/consumer-running-info.js';
import { RollingSums } from '../../runtime/rolling-sums.js';

const PULLS = 0;
const PULLED = 1;
const PULL_MS = 2;
const HANDLED = 3;
const FAILED = 4;
const HANDLE_MS = 5;
const MINUTE_S = 60;

interface OfTopic {
  readonly minute: RollingSums;
  readonly failedInHour: RollingSums;
}

/** What a consumer did of late, by topic as the application writes it. Matches Apache's ConsumerStatsManager. */
export class ConsumeStatistics {
  readonly #topics = new Map<string, OfTopic>();

  /** A pull that brought messages; what brokers hold until there are some says nothing of their speed. */
  pulled(topic: string, nowMs: number, messages: number, elapsedMs: number): void {
    const { minute } = this.#of(topic);
    minute.add(nowMs, PULLS, 1);
    minute.add(nowMs, PULLED, messages);
    minute.add(nowMs, PULL_MS, elapsedMs);
  }

  handled(topic: string, nowMs: number, elapsedMs: number): void {
    const { minute } = this.#of(topic);
    minute.add(nowMs, HANDLED, 1);
    minute.add(nowMs, HANDLE_MS, elapsedMs);
  }

  failed(topic: string, nowMs: number, elapsedMs: number): void {
    const { minute, failedInHour } = this.#of(topic);
    minute.add(nowMs, FAILED, 1);
    minute.add(nowMs, HANDLE_MS, elapsedMs);
    failedInHour.add(nowMs, 0, 1);
  }

  statusOf(topic: string, nowMs: number): ConsumeStatus {
    const { minute, failedInHour } = this.#of(topic);
    const sum = (field: number): number => minute.sum(nowMs, field);
    const handled = sum(HANDLED) + sum(FAILED);
    return {
      pullRT: mean(sum(PULL_MS), sum(PULLS)),
      pullTPS: sum(PULLED) / MINUTE_S,
      consumeRT: mean(sum(HANDLE_MS), handled),
      consumeOKTPS: sum(HANDLED) / MINUTE_S,
      consumeFailedTPS: sum(FAILED) / MINUTE_S,
      consumeFailedMsgs: failedInHour.sum(nowMs, 0),
    };
  }

  #of(topic: string): OfTopic {
    let statistics = this.#topics.get(topic);
    if (statistics === undefined) {
      statistics = { minute: new RollingSums(10_000, 6, 6), failedInHour: new RollingSums(60_000, 60, 1) };
      this.#topics.set(topic, statistics);
    }
    return statistics;
  }
}

function mean(total: number, count: number): number {
  return count === 0 ? 0 : total / count;
}
