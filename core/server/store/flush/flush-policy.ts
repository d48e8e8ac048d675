import type { TakenMessage } from '../append-turn.js';

/** Decides when written messages go to the disk and when they are acknowledged. */
export interface FlushPolicy {
  /** Told after each write; each message has to be answered once. */
  written(messages: readonly TakenMessage[]): void;
  /** Puts everything on the disk and stops. Rejects when that fails. */
  close(): Promise<void>;
}
