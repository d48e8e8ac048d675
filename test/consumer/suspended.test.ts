import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { createRemotingClient } from '../../core/remoting/client.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { startServer } from '../../core/server/index.js';
import { AwakeTime } from '../kit/awake-time.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { hurriedClock } from './kit/hurried-clock.mjs';

const PROGRAM = fileURLToPath(new URL('kit/member-process.mjs', import.meta.url));
/** A broker counts a silent client out after two minutes, which are 3 seconds here. */
const TIMES = 40;
const TOPIC = 'orders';
const QUEUES = 4;
const MESSAGES = 400;
const GROUPS = ['in_order', 'side_by_side'];

interface Handled {
  readonly group: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** A member of both groups in a process of its own. */
function startMember(nameServers: string) {
  const options = JSON.stringify({ nameServers, topic: TOPIC, times: TIMES });
  const child = spawn(process.execPath, [PROGRAM, options], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const handled: Handled[] = [];
  createInterface(child.stdout).on('line', (line) => handled.push(JSON.parse(line)));
  return { handled, signal: (signal: 'SIGSTOP' | 'SIGCONT') => child.kill(signal) };
}

test('a process that stood still longer than brokers wait reads on from what others did, and takes nothing of it back', async () => {
  // What the others and the server time out by does not pass while a busy machine keeps this process waiting.
  const clock = hurriedClock(TIMES, closeAfterTest(new AwakeTime()).now);
  const server = closeAfterTest(await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0, clock }));
  const { nameServers, brokerAddress } = server;
  const mq = closeAfterTest(await connect({ nameServers, clock, requestTimeoutMs: 60_000 }));
  const unhurried = closeAfterTest(await connect({ nameServers }));
  await unhurried.admin.createTopic(TOPIC, { queueNum: QUEUES });
  const producer = await unhurried.producer({ group: 'tests', timeoutMs: 60_000 });
  const queues = await unhurried.admin.fetchPublishMessageQueues(TOPIC);
  const send = (count: number) =>
    Promise.all(
      queues.map((queue) =>
        producer.sendBatch(
          Array.from({ length: count }, () => ({ topic: TOPIC, body: 'x' })),
          { queue },
        ),
      ),
    );
  await send(MESSAGES);

  const remoting = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
  const storedOf = async (consumerGroup: string, queueId: number): Promise<number> => {
    const ext = { consumerGroup, topic: TOPIC, queueId };
    const request = { code: RequestCode.QUERY_CONSUMER_OFFSET, ext };
    const answer = await remoting.invoke(brokerAddress, request, { timeoutMs: 5_000 });
    return answer.code === 0 ? Number(answer.ext.offset) : 0;
  };
  /** The least of a group's offsets. */
  const stored = async (group: string) =>
    Math.min(...(await Promise.all(queues.map((queue) => storedOf(group, queue.queueId)))));

  const member = startMember(nameServers);
  const busy = () =>
    GROUPS.every(
      (group) =>
        new Set(member.handled.filter((one) => one.group === group).map(({ queueId }) => queueId)).size === QUEUES,
    );
  await waitFor(busy, { what: 'the member to handle messages of every queue' });
  member.signal('SIGSTOP');

  const others = await Promise.all(
    GROUPS.map(async (group) => {
      const options = { group, subscribe: { [TOPIC]: '*' }, from: 'first', requestTimeoutMs: 60_000 } as const;
      const consumer = await mq.consumer({ ...options, ordered: group === 'in_order' });
      await consumer.run(() => undefined);
      return consumer;
    }),
  );
  const done = async () => (await Promise.all(GROUPS.map(stored))).every((offset) => offset === MESSAGES);
  await waitFor(done, { what: 'the others to do everything' });

  const before = member.handled.length;
  member.signal('SIGCONT');
  const least = new Map(GROUPS.map((group) => [group, MESSAGES]));
  const shared = async () => {
    for (const group of GROUPS) least.set(group, Math.min(least.get(group) as number, await stored(group)));
    return others.every((consumer) => consumer.assignment().length === QUEUES / 2);
  };
  await waitFor(shared, { what: 'the queues to be shared out again' });
  await send(10);
  const allDone = async () => {
    await shared();
    return (await Promise.all(GROUPS.map(stored))).every((offset) => offset === MESSAGES + 10);
  };
  await waitFor(allDone, { what: 'both to do what came since' });
  const inOrder = (handled: readonly Handled[]) => handled.filter(({ group }) => group === 'in_order');
  const next = new Map(inOrder(member.handled.slice(0, before)).map((one) => [one.queueId, one.queueOffset + 1]));
  // What a handler was just given when the process was stopped it says when that goes on: one message of a queue, the next.
  const again = inOrder(member.handled.slice(before)).filter(
    ({ queueId, queueOffset }) => queueOffset < MESSAGES && queueOffset !== next.get(queueId),
  );
  expect({ least: Object.fromEntries(least), again }).toEqual({
    least: { in_order: MESSAGES, side_by_side: MESSAGES },
    again: [],
  });
  expect(member.handled.slice(before).some(({ queueOffset }) => queueOffset >= MESSAGES)).toBe(true);
});
