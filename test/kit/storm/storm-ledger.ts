import { type BrokerKill, StoredOffset } from './stored-offset.js';

/** What the judge may not hold against the client, since brokers and options have it so. */
export interface StormRules {
  readonly ordered: boolean;
  /** How often members store their offsets. */
  readonly persistOffsetIntervalMs: number;
  /** What a broker forgets of the stored offsets when it is killed. */
  readonly offsetsForgottenMs: number;
}

/** A queue in the hands of one member, from its assignment to its end. */
interface Tenure {
  readonly member: string;
  readonly place: string;
  readonly start: number;
  /** When its member asked where to begin. */
  readonly askedAtMs: number;
  /** See #splitAtMs. */
  readonly splitAtMs: number;
  /** The offset that its next handling has to have. */
  next: number;
  /** Something of it was handled. */
  began: boolean;
  over: boolean;
}

interface Queue {
  /** Who has it, by member; two have while they share queues out. */
  readonly tenures: Map<string, Tenure>;
  readonly past: Tenure[];
  readonly stored: StoredOffset;
  /** When offsets were handled last; never: while somebody handles it. */
  readonly handledAtMs: Map<number, number>;
  running: Tenure | undefined;
  /** Who handled the newest. */
  latest: Tenure | undefined;
  /** The first offset that nobody has handled in order. */
  high: number;
  /** Behind what was handled last. */
  position: number;
  /** Since when what the next member begins at may be older than what was done; undefined: it is not. */
  uncleanSinceMs: number | undefined;
  /** Something of it did not hold: what follows means little. */
  spoilt: boolean;
  /** What happened to it, in words. */
  readonly story: string[];
}

/** Handling a message went well a while after a machine that is busy should have stored it. */
const SLACK_MS = 4_000;
/** Why a member may lose a queue. */
const LOSSES = ['rebalance', 'lock lost', 'overtaken'];
/** After a cut, or when a broker is back. */
const CONNECTS_WITHIN_MS = 1_500;
const PROBLEMS_MAX = 3;
const STORY_LINES = 30;

/**
 * Watches members of one group while they come and go, and holds what they do against what was promised.
 *
 * Of every queue: a member handles only what it was assigned, from the offset it began at on, one offset after the other and
 * none twice; it begins no earlier than the offset that was stored when it asked.
 *
 * Side by side, a message is handled twice only **near a rebalance**: in the hands of another owner, and the first handling
 * ended no longer than an interval of storing offsets before that owner asked where to begin. An owner that repeats what was
 * done before it, and gives up before it has caught up, hands its question on.
 *
 * In order, one handling of a queue runs at one time, whoever has it; nothing is skipped; and an owner begins where the one
 * before it stopped. Only when that one was killed, cut off or out of its lock, or the broker was killed, it begins at the
 * stored offset, and repeats from there on.
 */
export class StormLedger {
  readonly problems: string[] = [];
  duplicates = 0;
  tenures = 0;
  readonly #rules: StormRules;
  readonly #now: () => number;
  readonly #queues = new Map<string, Queue>();
  readonly #asked = new Map<string, number>();
  readonly #handled = new Set<string>();
  /** By key: the number of its next message. */
  readonly #nextOfKey = new Map<string, number>();
  #brokerKill: BrokerKill | undefined;
  #brokerBackAtMs = Number.NEGATIVE_INFINITY;
  readonly #cutAtMs = new Map<string, number>();

  /** `now` tells milliseconds. */
  constructor(rules: StormRules, now: () => number) {
    this.#rules = rules;
    this.#now = now;
  }

  get handled(): number {
    return this.#handled.size;
  }

  has(id: string): boolean {
    return this.#handled.has(id);
  }

  /** Queues that no member has, each with what happened to it last. */
  get ownerless(): readonly string[] {
    const left = [...this.#queues].filter(([, { tenures }]) => tenures.size === 0);
    return left.map(([place, { story }]) => `nobody has ${place}:\n${story.slice(-STORY_LINES).join('\n')}`);
  }

  /** Something that explains what follows. */
  note(place: string, what: string): void {
    this.#tell(this.#queueOf(place), what);
  }

  /** A member asks for the offset to begin at. */
  asked(member: string, place: string): void {
    this.#asked.set(`${member} ${place}`, this.#now());
  }

  assigned(member: string, place: string, start: number): void {
    const queue = this.#queueOf(place);
    const askedAtMs = this.#asked.get(`${member} ${place}`) ?? this.#now();
    const least = queue.stored.least(askedAtMs, this.#brokerKill);
    this.#tell(queue, `${member} asked ${Math.round(this.#now() - askedAtMs)} ms ago and begins at ${start}`);
    if (start < least) this.#problem(queue, `${member} begins ${place} at ${start}, ${least} was stored`);
    if (queue.tenures.has(member)) this.#problem(queue, `${member} is assigned ${place} twice`);
    const tenure = {
      member,
      place,
      start,
      askedAtMs,
      splitAtMs: this.#splitAtMs(queue, start, askedAtMs),
      next: start,
      began: false,
      over: false,
    };
    queue.tenures.set(member, tenure);
    queue.past.push(tenure);
    this.tenures++;
  }

  lost(member: string, place: string, why: string): void {
    const queue = this.#queueOf(place);
    this.#tell(queue, `${member} loses it at ${queue.tenures.get(member)?.next}: ${why}`);
    if (!LOSSES.includes(why)) this.#problem(queue, `${member} lost ${place}: ${why}`);
    if (why === 'lock lost' || !this.#canStore(member)) queue.uncleanSinceMs = this.#now();
    this.#end(queue, member);
  }

  /** A member closed: it waited for its handlers, stored its offsets and gave everything back. */
  left(member: string): void {
    for (const queue of this.#queues.values()) {
      if (!queue.tenures.has(member)) continue;
      this.#tell(queue, `${member} left at ${queue.tenures.get(member)?.next}`);
      if (!this.#canStore(member)) queue.uncleanSinceMs = this.#now();
      this.#end(queue, member);
    }
  }

  /** Of a member that does not handle or say anything any more. */
  killed(member: string): void {
    for (const queue of this.#queues.values()) {
      const tenure = queue.tenures.get(member);
      if (tenure === undefined) continue;
      queue.uncleanSinceMs = this.#now();
      this.#tell(queue, `${member} is killed at ${tenure.next}`);
      if (queue.running === tenure) queue.running = undefined;
      this.#end(queue, member);
    }
  }

  /** A member's connections were cut: the broker counts it out, and what it has not stored others may repeat. */
  cut(member: string): void {
    this.#cutAtMs.set(member, this.#now());
    for (const queue of this.#queues.values()) {
      if (!queue.tenures.has(member)) continue;
      queue.uncleanSinceMs = this.#now();
      this.#tell(queue, `${member} is cut off at ${queue.tenures.get(member)?.next}`);
    }
  }

  brokerKilled(): void {
    this.#brokerBackAtMs = Number.POSITIVE_INFINITY;
    this.#brokerKill = { atMs: this.#now(), forgottenMs: this.#rules.offsetsForgottenMs };
    for (const queue of this.#queues.values()) {
      queue.uncleanSinceMs = this.#now();
      this.#tell(queue, 'the broker is killed');
    }
  }

  brokerBack(): void {
    this.#brokerBackAtMs = this.#now();
    // A broker that is being stopped still gives out locks and offsets, which the next one does not know of.
    for (const queue of this.#queues.values()) queue.uncleanSinceMs = this.#brokerBackAtMs;
  }

  /** A member has an offset stored; call what it returns when the broker has it. */
  storing(member: string, place: string, offset: number): () => void {
    const queue = this.#queueOf(place);
    const confirmed = queue.stored.store(offset);
    return () => {
      confirmed();
      this.#tell(queue, `${member} stored ${offset}`);
    };
  }

  /** A member handles a message from now on; call what it returns when that ended well or not. */
  handling(member: string, place: string, offset: number, key: string, number: number): (well: boolean) => void {
    const queue = this.#queueOf(place);
    const tenure = queue.tenures.get(member);
    const what = `${member} handles ${place} ${offset} (${key} ${number})`;
    if (tenure === undefined || tenure.over) {
      this.#problem(queue, `${what}, but the queue is not assigned to it`);
      return () => {};
    }
    if (offset !== tenure.next) this.#problem(queue, `${what}, but ${tenure.next} is next`);
    if (this.#rules.ordered) this.#inOrder(queue, tenure, offset, what);
    else this.#sideBySide(queue, tenure, offset, what);
    tenure.began = true;
    queue.latest = tenure;
    tenure.next = offset + 1;
    queue.handledAtMs.set(offset, Number.POSITIVE_INFINITY);
    return (well) => {
      if (queue.running === tenure) queue.running = undefined;
      if (!well) {
        tenure.next = offset;
        return;
      }
      queue.handledAtMs.set(offset, this.#now());
      queue.position = offset + 1;
      queue.high = Math.max(queue.high, offset + 1);
      this.#done(queue, key, number, what);
    };
  }

  #inOrder(queue: Queue, tenure: Tenure, offset: number, what: string): void {
    if (queue.running !== undefined) this.#problem(queue, `${what} while ${queue.running.member} does`);
    queue.running = tenure;
    if (offset > queue.high) this.#problem(queue, `${what}, but nobody handled ${queue.high}`);
    if (offset < queue.high) this.duplicates++;
    const { position } = queue;
    if (!tenure.began) {
      if (offset !== position && queue.uncleanSinceMs === undefined) {
        this.#problem(queue, `${what}, but ${queue.latest?.member} gave the queue back at ${position}`);
      }
      // What befell the queue after the owner asked where to begin befalls the next one.
      if (queue.uncleanSinceMs !== undefined && queue.uncleanSinceMs < tenure.askedAtMs)
        queue.uncleanSinceMs = undefined;
    } else if (queue.latest !== tenure && offset !== position && offset !== queue.high) {
      this.#problem(queue, `${what}, but ${queue.latest?.member} had it since and came to ${position}`);
    }
  }

  #sideBySide(queue: Queue, tenure: Tenure, offset: number, what: string): void {
    const handledAtMs = queue.handledAtMs.get(offset);
    if (handledAtMs === undefined) return;
    this.duplicates++;
    const kill = this.#brokerKill;
    const forgottenMs = kill === undefined ? 0 : this.#now() - kill.atMs + kill.forgottenMs;
    const nearMs = this.#rules.persistOffsetIntervalMs + SLACK_MS + forgottenMs;
    const beforeMs = tenure.splitAtMs - handledAtMs;
    if (beforeMs <= nearMs) return;
    this.#problem(queue, `${what} again, ${Math.round(beforeMs)} ms after somebody had: far from any rebalance`);
  }

  /** When the way of a new owner parted from that of the others: when it asked, or, while it repeats what they did, when the one before it did. */
  #splitAtMs(queue: Queue, start: number, askedAtMs: number): number {
    if (start >= queue.high) return askedAtMs;
    return queue.past.findLast(({ next }) => next === start)?.splitAtMs ?? askedAtMs;
  }

  #done(queue: Queue, key: string, number: number, what: string): void {
    const id = `${key}-${number}`;
    if (this.#handled.has(id)) return;
    this.#handled.add(id);
    if (!this.#rules.ordered) return;
    const next = this.#nextOfKey.get(key) ?? 0;
    if (number !== next) this.#problem(queue, `${what}, but number ${next} of the key is next`);
    this.#nextOfKey.set(key, number + 1);
  }

  /** Whether nothing was in the way when a member gave something back. */
  #canStore(member: string): boolean {
    const disturbedAtMs = Math.max(this.#brokerBackAtMs, this.#cutAtMs.get(member) ?? Number.NEGATIVE_INFINITY);
    return this.#now() - disturbedAtMs > CONNECTS_WITHIN_MS;
  }

  #end(queue: Queue, member: string): void {
    const tenure = queue.tenures.get(member);
    if (tenure === undefined) return;
    tenure.over = true;
    queue.tenures.delete(member);
  }

  #queueOf(place: string): Queue {
    let queue = this.#queues.get(place);
    if (queue === undefined) {
      queue = {
        tenures: new Map(),
        past: [],
        stored: new StoredOffset(this.#now),
        handledAtMs: new Map(),
        story: [],
        ...{ running: undefined, latest: undefined, high: 0, position: 0, uncleanSinceMs: undefined, spoilt: false },
      };
      this.#queues.set(place, queue);
    }
    return queue;
  }

  #tell(queue: Queue, what: string): void {
    queue.story.push(`${Math.round(this.#now())} ms: ${what}`);
  }

  /** Of each queue the first problem, with what led to it. */
  #problem(queue: Queue, what: string): void {
    if (queue.spoilt) return;
    queue.spoilt = true;
    this.#tell(queue, what);
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(queue.story.slice(-STORY_LINES).join('\n'));
  }
}
