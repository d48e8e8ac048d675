import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { connect } from '../../../core/index.js';
import { createRemotingClient } from '../../../core/remoting/client.js';
import type { ExtInput, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { decodeTopicRouteBody } from '../../../core/remoting/protocol/topic-route-body.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import { waitFor } from '../../interop/kit/ports.js';
import type { Member } from './member.js';
import { Readers } from './readers.js';
import { countErrors, SteadyLoad } from './steady-load.js';

/** Deadline of one send. */
const TIMEOUT_MS = 5_000;
/** What a send may end later than its deadline: two busy cores also run the servers. */
const SLACK_MS = 1_000;
const ATTEMPT_TIMEOUT_MS = 1_500;
const SEND_INTERVAL_MS = 5;
/** How long a member is away, or stands still: longer than an attempt. */
const AWAY_MS = 2_000;
/** How often clients ask for routes: more often than by default, so that a round is short. */
const POLL_INTERVAL_MS = 2_000;

/** A topic and the brokers that have it. */
export interface PlacedTopic {
  readonly topic: string;
  readonly brokerNames: readonly string[];
}

/** What became of the load, in numbers. */
export interface RollingKillsReport {
  readonly sent: number;
  readonly acknowledged: number;
  /** Errors while one of two brokers was there at any time. */
  readonly errorsMeanwhile: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly duplicates: number;
  /** Stored though no send said so. */
  readonly unacknowledged: number;
}

/**
 * Kills each member with SIGKILL and starts it again, and has each stand still for a while, as a producer sends and a
 * group of two reads; at last all brokers of a topic are away at once. Every send has to end in a result or in one of our errors within its deadline, and what was acknowledged has to reach the group, and a
 * group that reads from the beginning when all is over.
 */
export async function rollingKills(
  members: readonly Member[],
  placed: readonly PlacedTopic[],
): Promise<RollingKillsReport> {
  const nameServers = members.flatMap(({ nameServer }) => nameServer ?? []);
  const topics = placed.map(({ topic }) => topic);
  const options = { nameServers, pollNameServerIntervalMs: POLL_INTERVAL_MS };
  await createTopics(members, placed);
  for (const nameServer of nameServers) await untilRouted(nameServer, placed);

  const mq = await connect(options);
  const producer = await mq.producer({ group: 'chaos', timeoutMs: TIMEOUT_MS, attemptTimeoutMs: ATTEMPT_TIMEOUT_MS });
  const readers = await Readers.start(options, { group: 'chaos_group', topics, count: 2 });
  const load = new SteadyLoad({ producer, topics, intervalMs: SEND_INTERVAL_MS });
  let errorsMeanwhile = 0;
  try {
    await untilAllAcknowledge(load, placed);
    for (const member of members) {
      await member.kill();
      await pause(AWAY_MS);
      await member.start();
      if (member.nameServer !== undefined) await untilRouted(member.nameServer, placed);
      await untilAllAcknowledge(load, placed);
      member.signal('SIGSTOP');
      await pause(AWAY_MS);
      member.signal('SIGCONT');
      await untilAllAcknowledge(load, placed);
    }
    errorsMeanwhile = load.outcomes.length - load.acknowledged.length;
    const brokers = members.filter(({ brokerName = '' }) => placed[0]?.brokerNames.includes(brokerName));
    await Promise.all(brokers.map((member) => member.kill()));
    await pause(AWAY_MS);
    await Promise.all(brokers.map((member) => member.start()));
    await untilAllAcknowledge(load, placed);
  } finally {
    await load.stop();
  }
  await mq.close();

  const { acknowledged, outcomes } = load;
  const tookMs = outcomes.map((outcome) => outcome.tookMs);
  const errors = countErrors(outcomes);
  const lostForGroup = await readers.waitForAll(acknowledged, 60_000);
  await readers.close();
  const { duplicates } = readers;
  const afterwards = await Readers.start(options, { group: 'chaos_afterwards', topics, count: 1 });
  const lost = await afterwards.waitForAll(acknowledged, 60_000);
  await afterwards.close();

  const report = {
    ...{ sent: outcomes.length, acknowledged: acknowledged.length, errorsMeanwhile, errors, duplicates },
    slowestMs: Math.round(Math.max(...tookMs)),
    unacknowledged: afterwards.read - acknowledged.length,
  };
  console.log(`chaos: ${JSON.stringify(report)}`);
  expect(errors.untyped ?? 0, 'errors that are not ours').toBe(0);
  expect(report.acknowledged, 'errors while nobody was there').toBeLessThan(report.sent);
  expect(report.slowestMs, 'the slowest send').toBeLessThanOrEqual(TIMEOUT_MS + SLACK_MS);
  expect(lost, 'acknowledged, and not in any queue').toEqual([]);
  expect(lostForGroup, 'acknowledged, and never given to the group').toEqual([]);
  return report;
}

async function createTopics(members: readonly Member[], placed: readonly PlacedTopic[]): Promise<void> {
  for (const { topic, brokerNames } of placed) {
    for (const { brokerName = '', brokerAddress } of members) {
      if (brokerAddress === undefined || !brokerNames.includes(brokerName)) continue;
      const { code, remark } = await ask(brokerAddress, RequestCode.UPDATE_AND_CREATE_TOPIC, {
        ...{ topic, defaultTopic: 'TBW102', readQueueNums: 4, writeQueueNums: 4, perm: 6 },
        ...{ topicFilterType: 'SINGLE_TAG', topicSysFlag: 0, order: false },
      });
      expect(code, remark).toBe(0);
    }
  }
}

/** Waits until a name server knows every topic at all of its brokers. */
async function untilRouted(nameServer: string, placed: readonly PlacedTopic[]): Promise<void> {
  for (const { topic, brokerNames } of placed) {
    await waitFor(`${topic} at ${nameServer}`, async () => {
      const { code, body } = await ask(nameServer, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic });
      if (code !== 0) return false;
      const known = decodeTopicRouteBody(body).brokerDatas.map(({ brokerName }) => brokerName);
      return brokerNames.every((brokerName) => known.includes(brokerName));
    });
  }
}

/** Waits until every broker has acknowledged messages that were sent from now on. */
async function untilAllAcknowledge(load: SteadyLoad, placed: readonly PlacedTopic[]): Promise<void> {
  for (const brokerName of new Set(placed.flatMap(({ brokerNames }) => brokerNames))) {
    const before = load.acknowledgedBy(brokerName);
    await waitFor(`messages at ${brokerName}`, async () => load.acknowledgedBy(brokerName) > before + 20);
  }
}

async function ask(address: string, code: number, ext: ExtInput): Promise<RemotingCommand> {
  const remoting = createRemotingClient({ transport: tcpTransport });
  try {
    return await remoting.invoke(address, { code, ext }, { timeoutMs: 10_000 });
  } finally {
    await remoting.close();
  }
}
