import type { ServerConnection } from '../../../remoting/remoting-server.js';
import type { Clock, Timer } from '../../../runtime/clock.js';
import { queueMicrotask } from '../../../runtime/event-loop.js';
import type { TagMatcher } from '../filters/tag-matcher.js';

/** Apache's popPollingSize: of one group, topic and queue. */
const WAITING_MAX = 1_024;
/** A request that has less left is not held any more. */
const LEFT_MS_MIN = 50;
/** Stands for "any queue". */
const ANY = -1;

/** A request of a pop consumer that found nothing and waits. */
export interface HeldPop {
  readonly connection: ServerConnection;
  readonly group: string;
  readonly topic: string;
  /** -1: any queue. */
  readonly queueId: number;
  /** A message in any queue of it wakes the request too. */
  readonly retryTopic: string;
  /** Milliseconds since 1970, by the client's clock. */
  readonly expiresAt: number;
  /** No longer than this, whatever the client's clock shows. */
  readonly pollTime: number;
  readonly matchesTagsCode: TagMatcher;
  /** Looks again. */
  readonly answer: () => void;
}

export interface HeldPopsOptions {
  readonly heldMax: number;
  readonly clock: Clock;
}

interface Waiter {
  readonly pop: HeldPop;
  timer: Timer | undefined;
}

type Waiters = Map<number, Set<Waiter>>;

/**
 * Requests of pop consumers that wait for messages (long polling). A message wakes one request of each group: a second one
 * would find the queue empty. Matches Apache's PopLongPollingService.
 */
export class HeldPops {
  readonly #options: HeldPopsOptions;
  /** By topic, then group, then queue. */
  readonly #byTopic = new Map<string, Map<string, Waiters>>();
  readonly #byConnection = new Map<ServerConnection, Set<Waiter>>();
  #woken: Waiter[] = [];
  #size = 0;
  #isClosed = false;

  constructor(options: HeldPopsOptions) {
    this.#options = options;
  }

  /** How many wait now. */
  get size(): number {
    return this.#size;
  }

  /** How many of a group wait for a queue, or for any. */
  count(topic: string, group: string, queueId: number): number {
    return this.#byTopic.get(topic)?.get(group)?.get(queueId)?.size ?? 0;
  }

  hold(pop: HeldPop): 'held' | 'full' | 'late' {
    const { clock, heldMax } = this.#options;
    const leftMs = Math.min(pop.expiresAt - clock.now(), pop.pollTime);
    if (leftMs <= LEFT_MS_MIN || pop.connection.closed || this.#isClosed) return 'late';
    if (this.#size >= heldMax || this.count(pop.topic, pop.group, pop.queueId) >= WAITING_MAX) return 'full';
    const waiter: Waiter = { pop, timer: undefined };
    for (const [topic, queueId] of placesOf(pop)) {
      const groups = this.#byTopic.get(topic) ?? new Map<string, Waiters>();
      this.#byTopic.set(topic, groups);
      const queues: Waiters = groups.get(pop.group) ?? new Map<number, Set<Waiter>>();
      groups.set(pop.group, queues);
      addTo(queues, queueId, waiter);
    }
    addTo(this.#byConnection, pop.connection, waiter);
    this.#size++;
    waiter.timer = clock.setTimer(leftMs - LEFT_MS_MIN, () => this.#wake(waiter));
    return 'held';
  }

  /** The store's news. */
  arrived(topic: string, queueId: number, tagsCode: number): void {
    if (this.#size === 0) return;
    const groups = this.#byTopic.get(topic);
    if (groups === undefined) return;
    for (const group of [...groups.keys()]) this.wake(topic, group, queueId, tagsCode);
  }

  /** Something can be popped: one request looks again. */
  wake(topic: string, group: string, queueId: number, tagsCode?: number): void {
    const queues = this.#byTopic.get(topic)?.get(group);
    if (queues === undefined) return;
    for (const waiting of [queues.get(ANY), queues.get(queueId)]) {
      for (const waiter of waiting ?? []) {
        const { matchesTagsCode } = waiter.pop;
        if (tagsCode !== undefined && matchesTagsCode !== undefined && !matchesTagsCode(tagsCode)) continue;
        this.#wake(waiter);
        return;
      }
    }
  }

  /** All look again that wait for messages of a topic that is gone. */
  wakeTopic(topic: string): void {
    for (const queues of [...(this.#byTopic.get(topic)?.values() ?? [])]) {
      for (const waiting of [...queues.values()]) for (const waiter of [...waiting]) this.#wake(waiter);
    }
  }

  removeConnection(connection: ServerConnection): void {
    for (const waiter of [...(this.#byConnection.get(connection) ?? [])]) this.#remove(waiter);
  }

  /** Forgets all that wait; their connections are closed. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#byConnection.keys()]) this.removeConnection(connection);
  }

  #wake(waiter: Waiter): void {
    this.#remove(waiter);
    this.#woken.push(waiter);
    // Answered after the store's whole turn has arrived: one answer with all of it instead of one message each.
    if (this.#woken.length === 1) queueMicrotask(() => this.#answerWoken());
  }

  #answerWoken(): void {
    const woken = this.#woken;
    this.#woken = [];
    for (const { pop } of woken) if (!pop.connection.closed && !this.#isClosed) pop.answer();
  }

  #remove(waiter: Waiter): void {
    const { pop } = waiter;
    waiter.timer?.cancel();
    for (const [topic, queueId] of placesOf(pop)) {
      const groups = this.#byTopic.get(topic);
      const queues = groups?.get(pop.group);
      if (groups === undefined || queues === undefined) continue;
      removeFrom(queues, queueId, waiter);
      if (queues.size === 0) groups.delete(pop.group);
      if (groups.size === 0) this.#byTopic.delete(topic);
    }
    removeFrom(this.#byConnection, pop.connection, waiter);
    this.#size--;
  }
}

function placesOf({ topic, queueId, retryTopic }: HeldPop): readonly (readonly [topic: string, queueId: number])[] {
  return [
    [topic, queueId],
    [retryTopic, ANY],
  ];
}

function addTo<K>(sets: Map<K, Set<Waiter>>, key: K, waiter: Waiter): void {
  const set = sets.get(key);
  if (set) set.add(waiter);
  else sets.set(key, new Set([waiter]));
}

function removeFrom<K>(sets: Map<K, Set<Waiter>>, key: K, waiter: Waiter): void {
  const set = sets.get(key);
  if (set?.delete(waiter) && set.size === 0) sets.delete(key);
}
