import { setTimeout as pause } from 'node:timers/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { type Consumer, connect } from '../../../core/index.js';
import { waitFor } from '../../kit/wait-for.js';
import { type Handling, orderProblems, readHandlings } from '../kit/handlings.js';
import { drive } from '../kit/java.js';
import { ANSWERED, EVENTUALLY, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import { queuesOf } from '../kit/settled.js';
import type { Target } from '../kit/target.js';

const QUEUES = 8;
const BATCH = 10;
/** Java gives a lock back that it has messages of after 20 seconds by itself. */
const SOONER = ['rocketmq.client.unlockDelayTimeMills=300'];

/** Members of ours and of Java's in one ordered group. */
export function mixedOrderContract(target: () => Target): void {
  test('Java members and ours share an ordered group: each queue has one owner, each key its order, through joining and leaving', async () => {
    const topic = 'mixed_order';
    const group = `${topic}_group`;
    const { nameServer } = target();
    const client = async () => {
      const mq = await connect({ ...PATIENT, nameServers: nameServer });
      onTestFinished(() => mq.close());
      return mq;
    };
    const handled: Handling[] = [];
    const join = async (member: string): Promise<Consumer> => {
      const subscribe = { [topic]: '*' };
      const options = { group, subscribe, from: 'first', ordered: true, rebalanceIntervalMs: 1_000 } as const;
      const consumer = await (await client()).consumer(options);
      await consumer.run(async ({ queueId, queueOffset, body }) => {
        const beganMs = Date.now();
        await Promise.resolve();
        handled.push({ member, queueId, queueOffset, body: body.toString(), beganMs, endedMs: Date.now() });
      });
      return consumer;
    };
    const mq = await client();
    await mq.admin.createTopic(topic, { queueNum: QUEUES, ...ANSWERED });
    const places = await queuesOf(mq, topic);
    const producer = await mq.producer({ group: `${topic}_producer`, ...ANSWERED });
    const [one, two] = [await join('one'), await join('two')];
    const ours = () => one.assignment().length + two.assignment().length;
    // Before Java's member may come: it can be so quick that ours would never have them all until it has gone.
    await waitFor(() => ours() === QUEUES, { ...EVENTUALLY, what: 'all queues at ours' });
    const javaRun = { ended: false };
    const java = drive(inject('java'), nameServer, 'orderlyMember', [topic, group, '5'], {
      systemProperties: SOONER,
    }).finally(() => {
      javaRun.ended = true;
    });
    const sent: string[] = [];
    // Where the machine is slow the Java member may leave before the third one of ours has anything: it gets messages then.
    const ourRun = { ended: false };
    const flowOf = async (queue: (typeof places)[number]): Promise<void> => {
      for (let number = 0; !javaRun.ended || !ourRun.ended; number += BATCH) {
        const bodies = Array.from({ length: BATCH }, (_, index) => `${queue.queueId}-${number + index}`);
        await producer.sendBatch(
          bodies.map((body) => ({ topic, body })),
          { queue },
        );
        sent.push(...bodies);
        await pause(40);
      }
    };
    const comeAndGo = async (): Promise<void> => {
      await waitFor(() => ours() < QUEUES || javaRun.ended, { ...EVENTUALLY, what: 'queues at the Java member' });
      await pause(1_000);
      await one.close();
      await pause(1_000);
      await join('three');
      const hasWork = () => handled.some(({ member }) => member === 'three');
      await waitFor(hasWork, { ...EVENTUALLY, what: 'messages at the third member' });
    };
    const comingAndGoing = comeAndGo().finally(() => {
      ourRun.ended = true;
    });
    await Promise.all([comingAndGoing, ...places.map(flowOf)]);
    const outcome = await java;
    expect(outcome.exitCode, describeOutcome('orderlyMember', outcome)).toBe(0);
    const theirs = readHandlings(outcome.stdout);
    const missing = () => {
      const seen = new Set([...handled, ...theirs].map(({ body }) => body));
      return sent.filter((body) => !seen.has(body));
    };
    await waitFor(() => missing().length === 0, { ...EVENTUALLY, what: 'every message at one of them' });
    const all = [...handled, ...theirs];
    const members = new Map(all.map(({ member }) => [member, all.filter((one) => one.member === member).length]));
    console.log(
      `interop: in order, Java's and ours: ${JSON.stringify({ ...Object.fromEntries(members), sent: sent.length })}`,
    );
    expect(orderProblems(all)).toEqual([]);
    expect([...members.keys()].sort()).toEqual(['java', 'one', 'three', 'two']);
    for (const { queueOffset, body } of all) expect(body.endsWith(`-${queueOffset}`)).toBe(true);
  });
}
