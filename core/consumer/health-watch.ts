import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { type ConsumedQueue, queueKey } from './queues/consumed-queue.js';
import type { Assignment } from './rebalance/assignment.js';
import type { ConsumerEvents } from './report/consumer-events.js';
import { type ConsumerVerdict, judgeQueue, type QueueFacts, type QueueHealth, reasonsOf } from './report/health.js';

/** Between two looks. */
export const WATCH_INTERVAL_MS = 5_000;
/** A look that comes so much later than it should: the process stood still. */
const SUSPENDED_MS = 15_000;

export interface HealthWatchServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** Undefined where the application asks for messages. */
  readonly consumeTimeoutMs: number | undefined;
  readonly assignment: Assignment;
  /** Topics whose queues could not be shared out at the last try. */
  readonly unsharedTopics: () => readonly string[];
  /** Monotonic milliseconds at which the round of sharing out that goes on began; undefined when none does. */
  readonly roundSinceMs: () => number | undefined;
  /** The process stood still: others may have been given what it reads. */
  readonly onStoodStill: () => void;
  /** Gives back what is stalled, and takes it anew. Never rejects. */
  readonly heal: () => Promise<void>;
  /** Members are forgotten when they are silent for long. Never rejects. */
  readonly heartbeat: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
}

interface Seen {
  readonly consumed: ConsumedQueue;
  readonly offset: number;
  readonly sinceMs: number;
}

/**
 * Looks at every queue each 5 seconds: whether it goes on, and if not why. Tells when a verdict changes, has a stalled queue
 * taken anew, and notices that the process was suspended, so that the time of it is held against no queue.
 */
export class HealthWatch {
  readonly #services: HealthWatchServices;
  /** How far queues were, and since when. */
  #seen = new Map<string, Seen>();
  #verdicts = new Map<string, QueueHealth>();
  #verdict: ConsumerVerdict = 'healthy';
  /** Undefined until it is looked at regularly. */
  #lastLookMs: number | undefined;
  #awakeSinceMs: number;

  constructor(services: HealthWatchServices) {
    this.#services = services;
    this.#awakeSinceMs = services.clock.monotonic();
  }

  /** From here on somebody looks regularly. */
  start(): void {
    this.#lastLookMs = this.#services.clock.monotonic();
  }

  /** Monotonic milliseconds since which the process has run without a break. Whoever judges idle time asks first. */
  awakeSinceMs(): number {
    const { clock, logger, events, group, heartbeat, heal, onStoodStill } = this.#services;
    if (this.#lastLookMs === undefined) return this.#awakeSinceMs;
    const nowMs = clock.monotonic();
    const forMs = nowMs - this.#lastLookMs - WATCH_INTERVAL_MS;
    this.#lastLookMs = nowMs;
    if (forMs <= SUSPENDED_MS) return this.#awakeSinceMs;
    this.#awakeSinceMs = nowMs;
    logger.warn('the process stood still, suspended or busy in one turn of its event loop; consumption goes on', {
      group,
      forMs,
    });
    if (events.observed) events.emit({ type: 'suspended', forMs });
    onStoodStill();
    void heartbeat().then(heal);
    return nowMs;
  }

  /** One look. Does not wait for the healing: a round that hangs must not blind it. */
  look(): void {
    const queues = this.queues();
    this.#tellQueues(queues);
    this.#tell(this.reasons(queues));
    if (queues.some(({ verdict }) => verdict === 'stalled')) void this.#services.heal();
  }

  queues(): readonly QueueHealth[] {
    const { assignment, clock, consumeTimeoutMs } = this.#services;
    const options = { awakeSinceMs: this.awakeSinceMs(), nowMs: clock.monotonic(), consumeTimeoutMs };
    const before = this.#seen;
    this.#seen = new Map();
    return assignment.consumed.map((consumed) => {
      const key = queueKey(consumed.queue);
      const seen = progressOf(consumed, before.get(key), options.nowMs);
      this.#seen.set(key, seen);
      return judgeQueue(factsOf(consumed, assignment, seen.sinceMs), options);
    });
  }

  reasons(queues: readonly QueueHealth[]): readonly string[] {
    const { clock, unsharedTopics, roundSinceMs } = this.#services;
    const nowMs = clock.monotonic();
    const roundMs = nowMs - Math.max(roundSinceMs() ?? nowMs, this.#awakeSinceMs);
    return reasonsOf(queues, unsharedTopics(), roundMs);
  }

  #tellQueues(queues: readonly QueueHealth[]): void {
    const { logger, events, group } = this.#services;
    const before = this.#verdicts;
    this.#verdicts = new Map(queues.map((queue) => [queueKey(queue), queue]));
    for (const [key, health] of this.#verdicts) {
      const { topic, brokerName, queueId, verdict, reason } = health;
      const was = before.get(key)?.verdict ?? 'reading';
      if (was === verdict) continue;
      const queue = { topic, brokerName, queueId };
      logger[reason === undefined ? 'info' : 'warn'](`a queue is ${verdict}`, { group, ...queue, was, reason });
      if (events.observed) events.emit({ type: 'queueHealthChanged', queue, verdict, was, reason });
    }
  }

  #tell(reasons: readonly string[]): void {
    const { logger, events, group } = this.#services;
    const verdict = reasons.length === 0 ? 'healthy' : 'unhealthy';
    if (verdict === this.#verdict) return;
    this.#verdict = verdict;
    logger[verdict === 'healthy' ? 'info' : 'warn'](`a consumer is ${verdict}`, { group, reasons });
    if (events.observed) events.emit({ type: 'healthChanged', verdict, reasons });
  }
}

function progressOf(consumed: ConsumedQueue, before: Seen | undefined, nowMs: number): Seen {
  const offset = consumed.processQueue.committableOffset;
  if (before?.consumed === consumed && before.offset === offset) return before;
  return { consumed, offset, sinceMs: nowMs };
}

function factsOf(consumed: ConsumedQueue, assignment: Assignment, progressMs: number): QueueFacts {
  const { processQueue, maxOffset } = consumed;
  const feed = assignment.feedOf(consumed);
  const { oldest } = processQueue;
  return {
    queue: consumed.shown,
    paused: assignment.paused || consumed.paused,
    lastPullMs: consumed.lastPullMs ?? feed?.lastPullMs,
    activeMs: feed?.lastPullMs,
    fullSinceMs: feed?.fullSinceMs,
    failingSinceMs: feed?.failingSinceMs,
    progressMs,
    inFlight: processQueue.count,
    // It has held the offset at least since that last moved.
    oldest: oldest && { queueOffset: oldest.queueOffset, pulledMs: oldest.pulledMs ?? progressMs },
    lag:
      maxOffset === undefined
        ? undefined
        : Math.max(maxOffset, processQueue.nextOffset) - processQueue.committableOffset,
    receiptsExpired: consumed.receiptsExpired,
  };
}
