/**
 * What brings the messages of one queue into its process queue, and wakes the handler runner: a pull loop, a pop loop. Made
 * when the queue becomes ours, stopped for good when it goes.
 */
export interface QueueFeed {
  start(): void;
  /** What is in flight goes on; nothing else follows. */
  pause(): void;
  resume(): void;
  /** For good. */
  stop(): void;
  /** Monotonic milliseconds at which it last did something; undefined while it waits for room or is paused. */
  readonly lastPullMs: number | undefined;
  /** Monotonic milliseconds since which there is no room; undefined while there is. */
  readonly fullSinceMs: number | undefined;
  /** Monotonic milliseconds since which nothing but failures came of it; undefined while it works. */
  readonly failingSinceMs: number | undefined;
}
