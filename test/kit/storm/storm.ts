import { setTimeout as pause } from 'node:timers/promises';
import { type Client, connect, type MessageQueue } from '../../../core/index.js';
import { Random } from '../../fault/random.js';
import { AwakeTime } from '../awake-time.js';
import { waitFor } from '../wait-for.js';
import { StormLedger, type StormRules } from './storm-ledger.js';
import { StormMember } from './storm-member.js';

/** The server that it blows over. */
export interface StormServer {
  readonly nameServer: string;
  /** Ends the broker, by a kill, and starts it again where it was. */
  readonly restart: () => Promise<void>;
}

export interface StormOptions {
  /** Decides who comes and goes, how, and when. */
  readonly seed: number;
  readonly topic: string;
  readonly ordered: boolean;
  /** Messages. */
  readonly messages: number;
  /** How long they flow. */
  readonly flowMs: number;
  /** Whether the broker is restarted in the middle. */
  readonly restart: boolean;
  /** Default 10. */
  readonly members?: number;
  /** Default 16. */
  readonly queues?: number;
  /** Between two that come or go, on average. Default 150. */
  readonly stepMs?: number;
  /** Default 1,000. */
  readonly persistOffsetIntervalMs?: number;
  /** What the broker forgets of the stored offsets with a kill. */
  readonly offsetsForgottenMs: number;
}

export interface StormReport {
  /** What did not hold, in words; empty when everything did. */
  readonly problems: readonly string[];
  readonly handled: number;
  /** Messages that nobody handled. */
  readonly lost: number;
  readonly duplicates: number;
  /** How often a queue was assigned. */
  readonly tenures: number;
  readonly joins: number;
  readonly leaves: number;
  readonly kills: number;
  readonly cuts: number;
  readonly tookMs: number;
  /** From the last that came or went to the end. */
  readonly calmMs: number;
  readonly seed: number;
}

/** Within this a machine that is busy should share queues out and read what waits; a lock that was left behind takes a minute. */
const CALM_MS_MAX = 60_000;
const KEYS_PER_QUEUE = 4;
const BATCH = 50;

/**
 * Members of one group come and go in seeded order, by leaving, by being killed and by having their connections cut, while
 * messages flow; in the middle the broker may be restarted. Ends when every message was handled and the queues are shared out
 * among the members that stayed. StormLedger says what has to hold.
 */
export async function storm(server: StormServer, options: StormOptions): Promise<StormReport> {
  const { seed, topic, ordered, persistOffsetIntervalMs = 1_000, offsetsForgottenMs, queues = 16 } = options;
  const startedMs = performance.now();
  const rules: StormRules = { ordered, persistOffsetIntervalMs, offsetsForgottenMs };
  const awake = new AwakeTime();
  const ledger = new StormLedger(rules, awake.now);
  const mq = await connect({ nameServers: server.nameServer });
  const weather = new Weather(server, options, ledger);
  try {
    await mq.admin.createTopic(topic, { queueNum: queues, timeoutMs: 60_000 });
    const places = await waitFor(() => queuesOf(mq, topic, queues), { what: `topic ${topic}` });
    await weather.firstMember();
    const flow = new Flow(mq, places, options);
    const [sent] = await Promise.all([flow.run(), weather.run()]);
    const calmFromMs = performance.now();
    const settled = () => ledger.handled >= sent.length && weather.queuesHeld === queues;
    await waitFor(settled, { timeoutMs: CALM_MS_MAX, what: 'the calm after the storm' }).catch(() => undefined);
    const lost = sent.filter((id) => !ledger.has(id));
    const { queuesHeld } = weather;
    const atLast = [
      ...(lost.length > 0 ? [`${lost.length} messages were lost: ${lost.slice(0, 20).join(', ')}`] : []),
      ...(queuesHeld !== queues ? [`${queuesHeld} of ${queues} queues have an owner:`, ...weather.standing] : []),
      ...(queuesHeld !== queues ? ledger.ownerless.slice(0, 2) : []),
    ];
    const endedMs = performance.now();
    await weather.end();
    return {
      problems: [...ledger.problems, ...atLast],
      ...{ handled: ledger.handled, lost: lost.length, duplicates: ledger.duplicates, tenures: ledger.tenures },
      ...{ ...weather.counts, tookMs: Math.round(endedMs - startedMs), calmMs: Math.round(endedMs - calmFromMs) },
      seed,
    };
  } finally {
    await weather.end();
    await mq.close();
    awake.close();
  }
}

async function queuesOf(mq: Client, topic: string, count: number): Promise<readonly MessageQueue[] | undefined> {
  const found = await mq.admin.fetchPublishMessageQueues(topic).catch(() => []);
  return found.length === count ? found : undefined;
}

/** Messages, evenly over the time: of each queue one batch after the other, tried until the broker has it. */
class Flow {
  readonly #mq: Client;
  readonly #places: readonly MessageQueue[];
  readonly #options: StormOptions;
  readonly #numbers = new Map<string, number>();

  constructor(mq: Client, places: readonly MessageQueue[], options: StormOptions) {
    this.#mq = mq;
    this.#places = places;
    this.#options = options;
  }

  /** What was sent, by key and number. */
  async run(): Promise<readonly string[]> {
    const { messages, flowMs, topic } = this.#options;
    const producer = await this.#mq.producer({ group: `${topic}_producer`, timeoutMs: 5_000 });
    const sent: string[] = [];
    const startedMs = performance.now();
    const rounds = Math.ceil(messages / (BATCH * this.#places.length));
    const flowOf = async (queue: MessageQueue): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        const behindMs = startedMs + (flowMs * round) / rounds - performance.now();
        if (behindMs > 1) await pause(behindMs);
        const ids = this.#next(queue);
        const batch = ids.map((body) => ({ topic, body }));
        while (
          !(await producer.sendBatch(batch, { queue }).then(
            () => true,
            () => false,
          ))
        )
          await pause(50);
        sent.push(...ids);
      }
    };
    await Promise.all(this.#places.map(flowOf));
    return sent;
  }

  #next({ brokerName, queueId }: MessageQueue): readonly string[] {
    return Array.from({ length: BATCH }, (_, index) => {
      const key = `${brokerName}/${queueId}/${index % KEYS_PER_QUEUE}`.replaceAll('-', '_');
      const number = this.#numbers.get(key) ?? 0;
      this.#numbers.set(key, number + 1);
      return `${key}-${number}`;
    });
  }
}

/** Who comes and goes. What it does and when follows from the seed alone. */
class Weather {
  readonly counts = { joins: 0, leaves: 0, kills: 0, cuts: 0 };
  readonly #server: StormServer;
  readonly #options: StormOptions;
  readonly #ledger: StormLedger;
  readonly #random: Random;
  readonly #work: Random;
  /** By slot. */
  readonly #members: (StormMember | undefined)[];
  /** What is being done in each slot, one after the other. */
  readonly #doing: Promise<void>[];
  #born = 0;
  #ended = false;

  constructor(server: StormServer, options: StormOptions, ledger: StormLedger) {
    this.#server = server;
    this.#options = options;
    this.#ledger = ledger;
    this.#random = new Random(options.seed);
    this.#work = new Random(options.seed + 1);
    const { members = 10 } = options;
    this.#members = Array.from({ length: members }, () => undefined);
    this.#doing = Array.from({ length: members }, () => Promise.resolve());
  }

  /** Of each member that is there, in words. */
  get standing(): readonly string[] {
    return this.#members.flatMap((member) => member?.standing ?? []);
  }

  /** Of the members that are there. */
  get queuesHeld(): number {
    return this.#members.reduce((sum, member) => sum + (member?.queues ?? 0), 0);
  }

  /** The group begins with one: brokers of Apache lose one of the offsets that two store side by side as its first. */
  async firstMember(): Promise<void> {
    this.#join(0);
    await this.#doing[0];
  }

  async run(): Promise<void> {
    const { flowMs, stepMs = 150, restart, ordered } = this.#options;
    const present = new Set([0]);
    const random = this.#random;
    const startedMs = performance.now();
    let restarted = !restart;
    for (let atMs = 0; atMs < flowMs; atMs += random.between(stepMs / 2, stepMs * 1.5)) {
      const waitMs = startedMs + atMs - performance.now();
      if (waitMs > 0) await pause(waitMs);
      if (!restarted && atMs >= flowMs / 2) {
        restarted = true;
        // Who is killed is dead before the broker is, which forgets its locks.
        await Promise.all(this.#doing);
        this.#ledger.brokerKilled();
        await this.#server.restart();
        this.#ledger.brokerBack();
        continue;
      }
      const slot = random.between(0, this.#members.length - 1);
      const what = random.next();
      if (!present.has(slot)) {
        present.add(slot);
        this.#join(slot);
      } else if (what < 0.25) this.#cut(slot);
      else if (present.size > 1) {
        present.delete(slot);
        // The queues of one that was killed stay locked for a minute, or until the broker forgets it with a restart.
        if (what < 0.5 && !(ordered && restarted)) this.#kill(slot);
        else this.#leave(slot);
      }
    }
    await Promise.all(this.#doing);
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await Promise.all(this.#doing);
    await Promise.all(this.#members.map((member) => member?.leave()));
  }

  #join(slot: number): void {
    this.counts.joins++;
    this.#then(slot, async () => {
      while (!this.#ended) {
        const member = this.#newMember(slot);
        this.#members[slot] = member;
        try {
          await member.join();
          return;
        } catch {
          // The broker is away: an application that cannot start is started again.
          await member.leave();
          await pause(100);
        }
      }
    });
  }

  #leave(slot: number): void {
    this.counts.leaves++;
    this.#then(slot, async () => {
      const member = this.#members[slot];
      this.#members[slot] = undefined;
      await member?.leave();
    });
  }

  #kill(slot: number): void {
    this.counts.kills++;
    this.#then(slot, async () => {
      const member = this.#members[slot];
      this.#members[slot] = undefined;
      await member?.kill();
    });
  }

  #cut(slot: number): void {
    this.counts.cuts++;
    this.#then(slot, async () => this.#members[slot]?.cut());
  }

  #then(slot: number, work: () => Promise<void>): void {
    this.#doing[slot] = (this.#doing[slot] as Promise<void>).then(work);
  }

  #newMember(slot: number): StormMember {
    const { topic, ordered, persistOffsetIntervalMs = 1_000 } = this.#options;
    return new StormMember({
      name: `member ${slot}.${this.#born++}`,
      nameServer: this.#server.nameServer,
      ...{ topic, group: `${topic}_group`, ordered, persistOffsetIntervalMs, ledger: this.#ledger },
      work: () => {
        const draw = this.#work.next();
        if (draw < 0.97) return true;
        return pause(1 + ((draw * 1_000) % 4)).then(() => !ordered || draw < 0.999);
      },
    });
  }
}
