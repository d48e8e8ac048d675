import type { MessageQueue } from '../../message/message.js';
import type { ConsumerState } from '../consumer-state.js';

/**
 * How a queue stands. `reading`: pulled, or held by its broker until something comes. `paused`: the application said so.
 * `failing`: no pull of it has succeeded for 30 seconds. `blocked`: its oldest message holds it up, by a handler that hangs or
 * keeps failing: there has been no room for 2 minutes, or that message is older than 2 minutes and `consumeTimeoutMs`.
 * `stalled`: nothing has happened on it for 2 minutes though something should have; it is read anew at once.
 */
export type QueueVerdict = 'reading' | 'paused' | 'failing' | 'blocked' | 'stalled';

/** `not running`: before `run`, while it starts, and from `close` on. */
export type ConsumerVerdict = 'healthy' | 'unhealthy' | 'not running';

/** A queue that a consumer reads now, those of the group's retry topic included; id -1 where all of a topic at a broker are popped. */
export interface QueueHealth extends MessageQueue {
  readonly verdict: QueueVerdict;
  /** Why, for people; undefined with `reading` and `paused`. */
  readonly reason: string | undefined;
  /** Since it was last asked for messages; undefined before the first time. */
  readonly sinceLastPullMs: number | undefined;
  /** Since its committable offset last moved, or since it is ours; right to 5 seconds. */
  readonly sinceProgressMs: number;
  /** Messages that were pulled and are not acknowledged. */
  readonly inFlight: number;
  /** The one of them that holds the offset. `ageMs`: since it was pulled. */
  readonly oldestUnacknowledged: { readonly queueOffset: number; readonly ageMs: number } | undefined;
  /** Messages in the queue that are not acknowledged, as the last answer told; undefined where none did. Others may hold some that are popped. */
  readonly lag: number | undefined;
  /** Popped messages whose invisible time was over before something was said of them: each came again. */
  readonly receiptsExpired: number;
}

/** How a consumer stands. */
export interface ConsumerHealth {
  readonly group: string;
  readonly state: ConsumerState;
  readonly verdict: ConsumerVerdict;
  /** What is wrong, for people; empty unless `unhealthy`. */
  readonly reasons: readonly string[];
  /** Since the application last polled or pulled; undefined before the first time, and where messages come by themselves. */
  readonly sinceLastPollMs: number | undefined;
  /** Of a consumer of single pulls, those that it pulled. */
  readonly queues: readonly QueueHealth[];
}

/** How all consumers of a client stand: `unhealthy` when one of them is. */
export interface ClientHealth {
  readonly verdict: 'healthy' | 'unhealthy';
  /** Each with the group it is of. */
  readonly reasons: readonly string[];
  readonly consumers: readonly ConsumerHealth[];
}

/** After so long without any activity a queue is stalled. Matches Java's pullMaxIdleTime. */
export const STALLED_MS = 120_000;
/** After so long without room a queue is blocked. */
export const BLOCKED_MS = 120_000;
/** Pulls that have failed for so long are worth a word; a broker's restart is over by then. */
export const FAILING_MS = 30_000;
/** A round of sharing out that takes longer hangs: everything that a broker is asked in one ends sooner. */
const ROUND_MS = 120_000;

/** What is known of a queue. All times are monotonic milliseconds. */
export interface QueueFacts {
  readonly queue: MessageQueue;
  readonly paused: boolean;
  readonly lastPullMs: number | undefined;
  /** When its feed last did something; undefined while it waits for room or is paused. */
  readonly activeMs: number | undefined;
  readonly fullSinceMs: number | undefined;
  readonly failingSinceMs: number | undefined;
  readonly progressMs: number;
  readonly inFlight: number;
  readonly oldest: { readonly queueOffset: number; readonly pulledMs: number } | undefined;
  readonly lag: number | undefined;
  readonly receiptsExpired: number;
}

export interface JudgeOptions {
  readonly nowMs: number;
  /** The process has run without a break since then: time in which it was suspended is nobody's fault. */
  readonly awakeSinceMs: number;
  /** Undefined where the application asks for messages: what waits until it does is no illness. */
  readonly consumeTimeoutMs: number | undefined;
}

export function judgeQueue(facts: QueueFacts, options: JudgeOptions): QueueHealth {
  const { queue, lastPullMs, progressMs, inFlight, oldest, lag, receiptsExpired } = facts;
  const { nowMs } = options;
  return {
    topic: queue.topic,
    brokerName: queue.brokerName,
    queueId: queue.queueId,
    ...verdictOf(facts, options),
    sinceLastPullMs: lastPullMs === undefined ? undefined : nowMs - lastPullMs,
    sinceProgressMs: nowMs - progressMs,
    inFlight,
    oldestUnacknowledged: oldest && { queueOffset: oldest.queueOffset, ageMs: nowMs - oldest.pulledMs },
    lag,
    receiptsExpired,
  };
}

function verdictOf(
  { paused, activeMs, fullSinceMs, failingSinceMs, oldest }: QueueFacts,
  { nowMs, awakeSinceMs, consumeTimeoutMs }: JudgeOptions,
): Pick<QueueHealth, 'verdict' | 'reason'> {
  const forMs = (sinceMs: number | undefined): number =>
    sinceMs === undefined ? 0 : nowMs - Math.max(sinceMs, awakeSinceMs);
  if (paused) return { verdict: 'paused', reason: undefined };
  if (forMs(activeMs) > STALLED_MS) {
    return { verdict: 'stalled', reason: `nothing has happened for ${seconds(forMs(activeMs))}; it is read anew` };
  }
  const heldMs = forMs(oldest?.pulledMs);
  const isWatched = oldest !== undefined && consumeTimeoutMs !== undefined;
  if (isWatched && (forMs(fullSinceMs) > BLOCKED_MS || heldMs > Math.max(BLOCKED_MS, consumeTimeoutMs))) {
    const why = 'its handler hangs or keeps failing';
    return {
      verdict: 'blocked',
      reason: `the message at offset ${oldest.queueOffset} has not been acknowledged for ${seconds(heldMs)}: ${why}`,
    };
  }
  if (forMs(failingSinceMs) > FAILING_MS) {
    return { verdict: 'failing', reason: `its pulls have failed for ${seconds(forMs(failingSinceMs))}` };
  }
  return { verdict: 'reading', reason: undefined };
}

/** What is wrong with a consumer that runs. */
export function reasonsOf(
  queues: readonly QueueHealth[],
  unsharedTopics: readonly string[],
  roundMs: number,
): readonly string[] {
  const reasons = queues.flatMap(({ topic, brokerName, queueId, verdict, reason }) =>
    reason === undefined ? [] : [`queue ${queueId} of topic ${topic} at ${brokerName} is ${verdict}: ${reason}`],
  );
  for (const topic of unsharedTopics) {
    reasons.push(`the queues of topic ${topic} could not be shared out at the last try; what is held is read on`);
  }
  if (roundMs > ROUND_MS) {
    reasons.push(`sharing out queues has not ended for ${seconds(roundMs)}: a strategy or an offset store hangs`);
  }
  return reasons;
}

/** Puts the consumers of a client together. */
export function clientHealth(consumers: readonly ConsumerHealth[]): ClientHealth {
  const reasons = consumers.flatMap((one) => one.reasons.map((reason) => `group ${one.group}: ${reason}`));
  const unhealthy = consumers.some(({ verdict }) => verdict === 'unhealthy');
  return { verdict: unhealthy ? 'unhealthy' : 'healthy', reasons, consumers };
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1_000)} s`;
}
