import type { Clock, Timer } from '../../core/runtime/clock.js';
import { nextTurn } from './wait-for.js';

export interface VirtualClock extends Clock {
  /**
   * Moves time forward, runs every timer that comes due at its own moment, and lets promises and the event loop have a
   * turn after each, so that timers set by what a timer started run too.
   */
  advance(durationMs: number): Promise<void>;
  /** Moves the wall clock alone, as an administrator does. */
  setNow(nowMs: number): void;
  /** Timers that are set and have not run. */
  readonly timers: number;
  /** Those among them that would keep a process alive. */
  readonly refTimers: number;
}

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
  ref: boolean;
}

/** A clock that stands still until it is told to move. Starts at 2026-01-01T00:00:00Z and monotonic 0. */
export function virtualClock({ nowMs = Date.UTC(2026, 0, 1) }: { readonly nowMs?: number } = {}): VirtualClock {
  const entries = new Set<Entry>();
  let wallAtZeroMs = nowMs;
  let monotonicMs = 0;
  let order = 0;

  const nextDue = (untilMs: number): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) {
      if (entry.dueMs > untilMs) continue;
      if (!first || entry.dueMs < first.dueMs || (entry.dueMs === first.dueMs && entry.order < first.order)) {
        first = entry;
      }
    }
    return first;
  };

  return {
    now: () => Math.floor(wallAtZeroMs + monotonicMs),
    monotonic: () => monotonicMs,
    setTimer(delayMs, callback, options): Timer {
      const dueMs = monotonicMs + Math.max(0, delayMs);
      const entry: Entry = { dueMs, order: order++, callback, ref: options?.ref ?? false };
      entries.add(entry);
      return {
        cancel: () => void entries.delete(entry),
        setRef: (ref) => {
          entry.ref = ref;
        },
      };
    },
    async advance(durationMs) {
      const untilMs = monotonicMs + durationMs;
      await nextTurn();
      for (let entry = nextDue(untilMs); entry; entry = nextDue(untilMs)) {
        monotonicMs = Math.max(monotonicMs, entry.dueMs);
        entries.delete(entry);
        entry.callback();
        await nextTurn();
      }
      monotonicMs = untilMs;
      await nextTurn();
    },
    setNow(atMs) {
      wallAtZeroMs = atMs - monotonicMs;
    },
    get timers() {
      return entries.size;
    },
    get refTimers() {
      return [...entries].filter((entry) => entry.ref).length;
    },
  };
}
