/** A request to store an offset, from leaving its member to being confirmed. */
interface Store {
  readonly offset: number;
  readonly sentAtMs: number;
  confirmedAtMs: number;
}

/** When a broker was killed, and how much of what it had confirmed before it may have forgotten by that. */
export interface BrokerKill {
  readonly atMs: number;
  readonly forgottenMs: number;
}

/** A request of a member that was killed may still arrive, but not later than this. */
const ARRIVES_WITHIN_MS = 5_000;

/**
 * What a broker may have as the group's offset of one queue: members store side by side, so that it is one of those that were
 * not followed, from their confirmation on, by another that was confirmed.
 */
export class StoredOffset {
  readonly #stores: Store[] = [{ offset: 0, sentAtMs: Number.NEGATIVE_INFINITY, confirmedAtMs: 0 }];

  readonly #now: () => number;

  /** `now` tells milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Call what it returns when the broker confirmed it. */
  store(offset: number): () => void {
    const nowMs = this.#now();
    const store = { offset, sentAtMs: nowMs, confirmedAtMs: Number.POSITIVE_INFINITY };
    this.#stores.push(store);
    return () => {
      store.confirmedAtMs = this.#now();
    };
  }

  /** The least it can be for who asked at a time and has heard the answer. */
  least(askedAtMs: number, kill: BrokerKill | undefined): number {
    const killedAtMs = kill?.atMs ?? Number.POSITIVE_INFINITY;
    const keptBeforeMs = killedAtMs - (kill?.forgottenMs ?? 0);
    const isKept = ({ sentAtMs, confirmedAtMs }: Store) => confirmedAtMs < keptBeforeMs || sentAtMs > killedAtMs;
    const sure = this.#stores.filter((store) => store.confirmedAtMs < askedAtMs && isKept(store));
    const lastSureMs = Math.max(Number.NEGATIVE_INFINITY, ...sure.map(({ sentAtMs }) => sentAtMs));
    const possible = this.#stores.filter(
      ({ sentAtMs, confirmedAtMs }) => Math.min(confirmedAtMs, sentAtMs + ARRIVES_WITHIN_MS) >= lastSureMs,
    );
    return Math.min(...possible.map(({ offset }) => offset));
  }
}
