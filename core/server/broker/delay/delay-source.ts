/** One moment on both clocks. */
export interface Moment {
  /** Milliseconds since 1970; may jump. */
  readonly wallMs: number;
  /** Milliseconds that pass as they do; only differences mean something. */
  readonly monotonicMs: number;
}

/** Messages of one queue that are due together. */
export interface DueBatch {
  /** Queue offsets, in the order in which they are delivered. */
  readonly offsets: readonly number[];
  /** Queue offsets of messages that take some of them back. */
  readonly recalls: readonly number[];
}

export const NO_RECALLS: readonly number[] = [];

/** A queue of messages that wait: a delay level, or the timers. It says what is due; who delivers tells it what came of it. */
export interface DelaySource {
  readonly topic: string;
  readonly queueId: number;
  /** Queue offset of the first message that is not delivered; where none waits, none is there or it needs no delivery. */
  readonly offset: number;
  /** Whether some of what was due is delivered and some is not: then only the log tells which. */
  readonly isMidway: boolean;
  /** Whether something waits that waited at the start. */
  readonly isRestoring: boolean;
  /** Milliseconds until something is due, 0 or less when it is; Infinity when nothing waits. */
  dueInMs(moment: Moment): number;
  /** Takes what is due, at most `messagesMax`; undefined when nothing is. Each offset is settled once. */
  take(moment: Moment, messagesMax: number): DueBatch | undefined;
  settle(offset: number): void;
  /** It could not be delivered now: it is due again at that time, with the recalls of its batch. */
  putBack(offset: number, atMonotonicMs: number, recalls: readonly number[]): void;
}
