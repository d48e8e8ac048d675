import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { parseAddress } from './address.js';

const QUIET_MS = 60_000;
const PEERS_MAX = 1_000;

interface Warned {
  readonly atMs: number;
  omitted: number;
}

/**
 * Warnings about what others do wrong, at most one a minute for each host and each kind: whoever sends nonsense in a loop
 * does not fill our log with it. The next line after a quiet minute says how many were left out.
 */
export class PeerWarnings {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #warned = new Map<string, Warned>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @param address `ip:port` of the peer */
  warn(words: string, address: string, error: unknown): void {
    const key = `${parseAddress(address)?.host ?? address} ${words}`;
    const nowMs = this.#clock.monotonic();
    const last = this.#warned.get(key);
    if (last !== undefined && nowMs - last.atMs < QUIET_MS) {
      last.omitted++;
      return;
    }
    // The one that was heard of longest ago makes room; its next line comes early, and that is all.
    this.#warned.delete(key);
    if (this.#warned.size >= PEERS_MAX) this.#warned.delete(this.#warned.keys().next().value as string);
    this.#warned.set(key, { atMs: nowMs, omitted: 0 });
    const omitted = last?.omitted ?? 0;
    this.#logger.warn(words, { address, error, ...(omitted > 0 && { omitted }) });
  }
}
