/** What is remembered of one broker. Times are monotonic milliseconds. Matches Apache's FaultItem. */
export interface FaultItem {
  readonly brokerName: string;
  latencyMs: number;
  /** From then on it may get sends again. Apache's startTimestamp. */
  availableFromMs: number;
  reachable: boolean;
  /** Topic of the latest send; asked about when the broker is probed. */
  topic: string;
  /** When it may be probed again. */
  probeFromMs: number;
}

/** Brokers by name, with what their sends came to. Unknown ones are available and reachable. */
export class FaultTable {
  readonly #items = new Map<string, FaultItem>();

  get items(): Iterable<FaultItem> {
    return this.#items.values();
  }

  /** The broker's entry, made when there is none. */
  item(brokerName: string, topic: string): FaultItem {
    let item = this.#items.get(brokerName);
    if (item === undefined) {
      item = { brokerName, latencyMs: 0, availableFromMs: -Infinity, reachable: true, topic, probeFromMs: -Infinity };
      this.#items.set(brokerName, item);
    }
    item.topic = topic;
    return item;
  }

  forget(brokerName: string): void {
    this.#items.delete(brokerName);
  }

  isAvailable(brokerName: string, nowMs: number): boolean {
    const item = this.#items.get(brokerName);
    return item === undefined || nowMs >= item.availableFromMs;
  }

  isReachable(brokerName: string): boolean {
    return this.#items.get(brokerName)?.reachable ?? true;
  }
}

/**
 * The half of the entries that did better, at least one of them: those that are available first, then the faster, then
 * those that are back sooner. Matches Apache 4.9's pickOneAtLeast.
 */
export function betterHalf(items: Iterable<FaultItem>, nowMs: number): readonly FaultItem[] {
  const ranked = [...items].sort(
    (left, right) =>
      Number(nowMs >= right.availableFromMs) - Number(nowMs >= left.availableFromMs) ||
      left.latencyMs - right.latencyMs ||
      left.availableFromMs - right.availableFromMs,
  );
  return ranked.slice(0, Math.max(1, Math.floor(ranked.length / 2)));
}
