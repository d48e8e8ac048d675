import type { ServerConnection } from '../../../remoting/remoting-server.js';
import { queueMicrotask } from '../../../runtime/event-loop.js';

/** A pull that found nothing and waits for a message. */
export interface HeldPull {
  readonly connection: ServerConnection;
  readonly topic: string;
  readonly queueId: number;
  /** First queue offset that it wants. */
  readonly offset: number;
  /** Monotonic milliseconds at which it is answered whatever came. */
  readonly expiresAtMs: number;
  /** Absent: any message wakes it. */
  readonly matchesTagsCode: ((tagsCode: number) => boolean) | undefined;
  /** Answers it from the store, without holding it again. */
  readonly answer: () => void;
}

export interface HeldPullsOptions {
  /** Held at one time by all clients; a pull more is answered at once. */
  readonly heldPullsMax: number;
  readonly maxOffset: (topic: string, queueId: number) => number;
  /** Runs a callback after what is running now; the default is a microtask. */
  readonly defer?: (callback: () => void) => void;
}

/**
 * Pulls that wait for messages (long polling). An arrival whose tag matches wakes those of its queue, all that arrived in
 * one turn together; a sweep wakes what timed out or was missed; a closed connection drops its own. Matches Apache's
 * PullRequestHoldService.
 */
export class HeldPulls {
  readonly #options: HeldPullsOptions;
  readonly #defer: (callback: () => void) => void;
  readonly #byTopic = new Map<string, Map<number, Set<HeldPull>>>();
  readonly #byConnection = new Map<ServerConnection, Set<HeldPull>>();
  #woken: HeldPull[] = [];
  #size = 0;

  constructor(options: HeldPullsOptions) {
    this.#options = options;
    this.#defer = options.defer ?? queueMicrotask;
  }

  /** How many wait now. */
  get size(): number {
    return this.#size;
  }

  /** False when no more can be held: the caller answers it now. */
  hold(pull: HeldPull): boolean {
    if (this.#size >= this.#options.heldPullsMax || pull.connection.closed) return false;
    let queues = this.#byTopic.get(pull.topic);
    if (queues === undefined) {
      queues = new Map();
      this.#byTopic.set(pull.topic, queues);
    }
    addTo(queues, pull.queueId, pull);
    addTo(this.#byConnection, pull.connection, pull);
    this.#size++;
    return true;
  }

  /** The store's news: a message can be read at `queueOffset`. */
  arrived(topic: string, queueId: number, queueOffset: number, tagsCode: number): void {
    if (this.#size === 0) return;
    const waiting = this.#byTopic.get(topic)?.get(queueId);
    if (waiting === undefined) return;
    for (const pull of [...waiting]) {
      if (queueOffset < pull.offset) continue;
      if (pull.matchesTagsCode === undefined || pull.matchesTagsCode(tagsCode)) this.#wake(pull);
    }
  }

  /** Wakes what timed out, and what has messages before it that nobody told of or whose tags did not match. */
  sweep(nowMs: number): void {
    for (const [topic, queues] of [...this.#byTopic]) {
      for (const [queueId, waiting] of [...queues]) {
        const maxOffset = this.#options.maxOffset(topic, queueId);
        for (const pull of [...waiting]) {
          if (maxOffset > pull.offset || nowMs >= pull.expiresAtMs) this.#wake(pull);
        }
      }
    }
  }

  /** Wakes all that wait for messages of a topic that is gone. */
  wakeTopic(topic: string): void {
    for (const waiting of [...(this.#byTopic.get(topic)?.values() ?? [])]) {
      for (const pull of [...waiting]) this.#wake(pull);
    }
  }

  /** Drops the pulls of a connection that is gone. */
  removeConnection(connection: ServerConnection): void {
    for (const pull of [...(this.#byConnection.get(connection) ?? [])]) this.#remove(pull);
  }

  #wake(pull: HeldPull): void {
    this.#remove(pull);
    this.#woken.push(pull);
    // Answered after the store's whole turn has arrived: one answer with all of it instead of one message each.
    if (this.#woken.length === 1) this.#defer(() => this.#answerWoken());
  }

  #answerWoken(): void {
    const woken = this.#woken;
    this.#woken = [];
    for (const pull of woken) {
      if (!pull.connection.closed) pull.answer();
    }
  }

  #remove(pull: HeldPull): void {
    const queues = this.#byTopic.get(pull.topic);
    if (queues) {
      removeFrom(queues, pull.queueId, pull);
      if (queues.size === 0) this.#byTopic.delete(pull.topic);
    }
    removeFrom(this.#byConnection, pull.connection, pull);
    this.#size--;
  }
}

function addTo<K>(sets: Map<K, Set<HeldPull>>, key: K, pull: HeldPull): void {
  const set = sets.get(key);
  if (set) set.add(pull);
  else sets.set(key, new Set([pull]));
}

function removeFrom<K>(sets: Map<K, Set<HeldPull>>, key: K, pull: HeldPull): void {
  const set = sets.get(key);
  if (set?.delete(pull) && set.size === 0) sets.delete(key);
}
