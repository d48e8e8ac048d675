import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Client, type Consumer, type ConsumerEvent, type ConsumerOptions, connect } from '../../../core/index.js';
import { createRemotingClient } from '../../../core/remoting/client.js';
import { decodeLockBatchResponse, encodeLockBatchRequest } from '../../../core/remoting/protocol/lock-batch.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import { waitFor } from '../../kit/wait-for.js';
import { drive } from '../kit/java.js';
import { ANSWERED, EVENTUALLY, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import { canBePulled } from '../kit/settled.js';
import type { Target } from '../kit/target.js';

/**
 * Our consumers in order and in broadcasting on Apache's broker.
 * @param withJava whether a Java member takes part: it takes its time
 */
export function ourOtherModesContract(target: () => Target, { withJava }: { readonly withJava: boolean }): void {
  let remoting: RemotingClient;

  async function client(options: { readonly instanceName?: string; readonly clientIP?: string } = {}): Promise<Client> {
    const mq = await connect({ ...PATIENT, nameServers: target().nameServer, ...options });
    onTestFinished(() => mq.close());
    return mq;
  }
  /** Sends to a queue of the topic, the first or the second. */
  async function senderTo(topic: string) {
    const mq = await client();
    const producer = await mq.producer({ group: `${topic}_producer`, ...ANSWERED });
    await producer.send({ topic, body: 'creates the topic', tag: 'first' });
    const queues = await producer.fetchPublishMessageQueues(topic);
    const send = async (body: string, queueId: number) => {
      const queue = queues.find((one) => one.queueId === queueId);
      await canBePulled(mq, [await producer.send({ topic, body, tag: 'own' }, { queue })]);
    };
    return { mq, send };
  }
  /** Whether another client is granted the lock of a queue. */
  async function isFree(topic: string, group: string, queueId: number): Promise<boolean> {
    const { brokerName, brokerAddress } = target();
    const mqSet = [{ topic, brokerName, queueId }];
    const ask = (code: number) => {
      const body = encodeLockBatchRequest({ consumerGroup: group, clientId: 'somebody else', mqSet });
      return remoting.invoke(brokerAddress, { code, body }, ANSWERED);
    };
    const granted = decodeLockBatchResponse((await ask(RequestCode.LOCK_BATCH_MQ)).body).length === 1;
    if (granted) await ask(RequestCode.UNLOCK_BATCH_MQ);
    return granted;
  }
  async function read(mq: Client, options: Pick<ConsumerOptions, 'group' | 'subscribe'> & Partial<ConsumerOptions>) {
    const consumer: Consumer = await mq.consumer({ from: 'first', ...options });
    const events: ConsumerEvent[] = [];
    consumer.events$.subscribe((event) => events.push(event));
    return { consumer, events };
  }

  describe('our consumers in order on Apache', () => {
    beforeAll(() => {
      remoting = createRemotingClient({ transport: tcpTransport });
    });
    afterAll(() => remoting.close());

    test('have their queues locked, hold one up behind what fails, and give the locks back', async () => {
      const topic = 'ours_ordered';
      const group = `${topic}_group`;
      const { mq, send } = await senderTo(topic);
      for (let number = 0; number < 4; number++) await send(`a${number}`, 0);
      await send('b0', 1);
      const options = { ordered: true, suspendCurrentQueueTimeMs: 300 };
      const { consumer, events } = await read(mq, { group, subscribe: { [topic]: 'own' }, ...options });
      const calls: string[] = [];
      await consumer.run(({ body }, { attempt }) => {
        calls.push(`${body}`);
        // It fails until another queue went on, which it must not hold up.
        if (`${body}` === 'a1' && (attempt < 2 || !calls.includes('b0'))) throw new Error('not yet');
      });
      await waitFor(() => calls.includes('a3'), { ...EVENTUALLY, what: 'the last call' });
      const tries = calls.filter((call) => call === 'a1');
      expect(tries.length).toBeGreaterThanOrEqual(3);
      expect(calls.filter((call) => call.startsWith('a'))).toEqual(['a0', ...tries, 'a2', 'a3']);
      const failed = events.filter((event) => event.type === 'failed').map((event) => event.next);
      expect(failed).toEqual(tries.slice(1).map(() => 'here'));
      expect(await isFree(topic, group, 0)).toBe(false);
      await consumer.close();
      expect(await isFree(topic, group, 0)).toBe(true);
    });

    test.each(['deadLetter', 'skip'] as const)('get past a poison message by the policy %s', async (poison) => {
      const topic = `ours_poison_${poison}`;
      const group = `${topic}_group`;
      const { mq, send } = await senderTo(topic);
      for (let number = 0; number < 3; number++) await send(`${number}`, 0);
      const options = { ordered: true, suspendCurrentQueueTimeMs: 10, maxReconsumeTimes: 1, poison };
      const { consumer, events } = await read(mq, { group, subscribe: { [topic]: 'own' }, ...options });
      const calls: string[] = [];
      await consumer.run(({ body }) => {
        calls.push(`${body}`);
        if (`${body}` === '1') throw new Error('poison');
      });
      await waitFor(() => calls.includes('2'), { ...EVENTUALLY, what: 'the message behind it' });
      expect(calls).toEqual(['0', '1', '1', '2']);
      const deadLetters = events.filter((event) => event.type === 'sentBack');
      expect(deadLetters).toMatchObject(poison === 'skip' ? [] : [{ delayLevel: -1, queueOffset: expect.any(Number) }]);
      if (poison === 'skip') return;
      const office = await read(mq, { group: `${topic}_office`, subscribe: { [`%DLQ%${group}`]: '*' } });
      const dead: string[] = [];
      await office.consumer.run(({ body }) => void dead.push(`${body}`));
      await waitFor(() => dead.length > 0, { ...EVENTUALLY, what: 'the dead letter' });
      expect(dead).toEqual(['1']);
    });
  });

  describe('our broadcasting consumers on Apache', () => {
    async function folder(): Promise<string> {
      const dir = await mkdtemp(join(tmpdir(), 'multistage-broadcast-'));
      onTestFinished(() => rm(dir, { recursive: true, force: true }));
      return dir;
    }
    const broadcasting = (topic: string, localOffsetStoreDir: string) => ({
      ...{ group: `${topic}_group`, subscribe: { [topic]: 'own' }, messageModel: 'broadcasting' as const },
      ...{ localOffsetStoreDir, suspendTimeoutMs: 1_000 },
    });

    test('each get everything, begin where they were told, and go on where their file says', async () => {
      const topic = 'ours_broadcast';
      const { send } = await senderTo(topic);
      await send('old', 0);
      // Apache finds a time by when messages were stored, to the millisecond.
      const { timestamp } = await new Promise<{ timestamp: number }>((resolve) => {
        setTimeout(() => resolve({ timestamp: Date.now() }), 20);
      });
      await send('young', 0);
      const options = broadcasting(topic, await folder());
      const member = async (name: string, from: ConsumerOptions['from']) => {
        const mq = await client({ instanceName: name });
        const { consumer, events } = await read(mq, { ...options, ...(from !== undefined && { from }) });
        const bodies: string[] = [];
        await consumer.run(({ body }) => void bodies.push(`${body}`));
        await waitFor(() => consumer.assignment().length > 1, { ...EVENTUALLY, what: `queues of ${name}` });
        return { consumer, events, bodies };
      };
      const [first, since, last] = [
        await member('first', 'first'),
        await member('since', { timestamp }),
        await member('last', 'last'),
      ];
      await send('new', 0);
      await waitFor(() => [first, since, last].every(({ bodies }) => bodies.includes('new')), {
        ...EVENTUALLY,
        what: 'the new message at each',
      });
      expect([first, since, last].map(({ bodies }) => bodies)).toEqual([
        ['old', 'young', 'new'],
        ['young', 'new'],
        ['new'],
      ]);
      await first.consumer.close();
      await send('later', 0);
      const again = await member('first', 'first');
      await waitFor(() => again.bodies.length > 0, { ...EVENTUALLY, what: 'what came later' });
      expect(again.bodies).toEqual(['later']);
      expect(again.events.find((event) => event.type === 'queueAssigned')).toMatchObject({ reason: 'stored' });
    });

    test.runIf(withJava)('read the file of a Java member with their id, as it reads theirs', async () => {
      const topic = 'ours_and_java_broadcast';
      const { send } = await senderTo(topic);
      const dir = await folder();
      const [clientIP, instanceName] = ['10.1.2.3', 'announcer'];
      const options = { ...broadcasting(topic, dir), subscribe: { [topic]: '*' } };
      const ours = async (count: number): Promise<readonly string[]> => {
        const mq = await client({ clientIP, instanceName });
        const { consumer } = await read(mq, options);
        const bodies: string[] = [];
        await consumer.run(({ body }) => void bodies.push(`${body}`));
        await waitFor(() => bodies.length >= count, { ...EVENTUALLY, what: `${count} messages` });
        await mq.close();
        return bodies.sort();
      };
      await send('one', 0);
      expect(await ours(2)).toEqual(['creates the topic', 'one']);
      await send('two', 0);
      const args = [topic, options.group, clientIP, instanceName, '1'];
      const systemProperties = [`rocketmq.client.localOffsetStoreDir=${dir}`];
      const outcome = await drive(inject('java'), target().nameServer, 'broadcastMember', args, { systemProperties });
      expect(outcome.exitCode, describeOutcome('broadcastMember', outcome)).toBe(0);
      expect(outcome.stdout.match(/^got .*$/gm)).toEqual(['got two']);
      await send('three', 1);
      expect(await ours(1)).toEqual(['three']);
      const file = await readFile(join(dir, `${clientIP}@${instanceName}`, options.group, 'offsets.json'), 'utf8');
      expect(file).toContain('"queueId":1');
    });
  });
}
