import type { TakenMessage } from './append-turn.js';

/** Decides when written messages go to the disk, when they can be read and when they are acknowledged. */
export interface FlushPolicy {
  /** Told at the end of a turn of everything it wrote, in the order of the log; each message has to be answered once. */
  written(messages: readonly TakenMessage[]): void;
  /** Puts everything on the disk, answers who still waits, and stops. Rejects when the disk does not take it. */
  close(): Promise<void>;
}
