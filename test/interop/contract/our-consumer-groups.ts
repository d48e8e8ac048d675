import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, inject, type TestContext, test } from 'vitest';
import { type Client, type Consumer, type ConsumerEvent, connect, type ReceivedMessage } from '../../../core/index.js';
import { waitFor } from '../../kit/wait-for.js';
import { drive } from '../kit/java.js';
import { readReceived } from '../kit/message-lines.js';
import { ANSWERED, EVENTUALLY, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import type { Target } from '../kit/target.js';

async function until(what: string, predicate: () => boolean): Promise<void> {
  await waitFor(predicate, { ...EVENTUALLY, what });
}

function eventsOf(consumer: Consumer): ConsumerEvent[] {
  const events: ConsumerEvent[] = [];
  consumer.events$.subscribe((event) => events.push(event));
  return events;
}

/** Our consumers as members of a group, together and with a Java member. */
export function ourConsumerGroupsContract(target: () => Target): void {
  async function client({ onTestFinished }: TestContext): Promise<Client> {
    const mq = await connect({ ...PATIENT, nameServers: target().nameServer });
    onTestFinished(() => mq.close());
    return mq;
  }

  describe.concurrent('our consumer groups', () => {
    test('members share the queues, and one that leaves hands over exactly where it stopped', async (context) => {
      const topic = 'ours_shared';
      const [one, other] = [await client(context), await client(context)];
      const producer = await one.producer({ group: 'ours_shared_producer', ...ANSWERED });
      await producer.send({ topic, body: '0' });
      const got: string[] = [];
      const handler = (message: ReceivedMessage): void => void got.push(message.body.toString());
      const first = await one.consumer({ group: `${topic}_group`, subscribe: { [topic]: '*' }, from: 'first' });
      const second = await other.consumer({ group: `${topic}_group`, subscribe: { [topic]: '*' }, from: 'first' });
      await first.run(handler);
      await until('the first message', () => got.length === 1);
      await second.run(handler);
      await until('two and two queues', () => first.assignment().length === 2 && second.assignment().length === 2);
      got.length = 0;
      for (let index = 0; index < 40; index++) await producer.send({ topic, body: `shared ${index}` });
      await until('the shared messages', () => new Set(got).size >= 40);
      await first.close();
      await until('four queues', () => second.assignment().length === 4);
      for (let index = 0; index < 40; index++) await producer.send({ topic, body: `alone ${index}` });
      await until('the messages of one member', () => got.filter((body) => body.startsWith('alone')).length === 40);
      expect(got.filter((body) => body !== '0').length).toBe(80);
    });

    test('a message that is tried here only is held while it fails, and the next member gets it', async (context) => {
      const topic = 'ours_held';
      const mq = await client(context);
      const producer = await mq.producer({ group: 'ours_held_producer', ...ANSWERED });
      const [queue] = await producer.fetchPublishMessageQueues(topic).catch(async () => {
        await producer.send({ topic, body: 'creates the topic' });
        return producer.fetchPublishMessageQueues(topic);
      });
      for (let index = 0; index < 5; index++) await producer.send({ topic, body: `held ${index}` }, { queue });
      const read = async (handler: (body: string) => void, done: (consumer: Consumer) => boolean): Promise<void> => {
        const consumer = await mq.consumer({
          group: `${topic}_group`,
          subscribe: { [topic]: '*' },
          from: 'first',
          handlerRetry: { attempts: Number.POSITIVE_INFINITY },
        });
        await consumer.run((message: ReceivedMessage) => handler(message.body.toString()));
        await until('the end of reading', () => done(consumer));
        await consumer.close();
      };
      const tries: string[] = [];
      await read(
        (body) => {
          if (body === 'held 2') tries.push(body);
          if (body === 'held 2') throw new Error('not today');
        },
        () => tries.length === 2,
      );
      const later: string[] = [];
      await read(
        (body) => void later.push(body),
        () => later.length >= 3,
      );
      expect(later.sort()).toEqual(['held 2', 'held 3', 'held 4']);
    });

    test('members that subscribe to other tags are both told', async (context) => {
      const topic = 'ours_conflict';
      const [one, other] = [await client(context), await client(context)];
      const producer = await one.producer({ group: 'ours_conflict_producer', ...ANSWERED });
      await producer.send({ topic, body: '0' });
      const first = await one.consumer({ group: `${topic}_group`, subscribe: { [topic]: 'created' } });
      const events = eventsOf(first);
      await first.run(() => undefined);
      const second = await other.consumer({ group: `${topic}_group`, subscribe: { [topic]: 'paid' } });
      const eventsOfSecond = eventsOf(second);
      await second.run(() => undefined);
      const conflictOf = (of: typeof events) => of.find(({ type }) => type === 'subscriptionConflict');
      await until('a conflict', () => conflictOf(events) !== undefined);
      expect(conflictOf(events)).toMatchObject({ topic, ours: 'created', theirs: 'paid' });
      // The broker shows the newest its own subscription: it asks the other.
      await until('a conflict for the newest', () => conflictOf(eventsOfSecond) !== undefined);
      expect(conflictOf(eventsOfSecond)).toMatchObject({ topic, ours: 'paid', theirs: 'created' });
    });

    test('a Java member and one of ours share the queues of one group, without a gap and in one round', async (context) => {
      const topic = 'ours_and_java';
      const group = `${topic}_group`;
      const mq = await client(context);
      const producer = await mq.producer({ group: 'ours_and_java_producer', ...ANSWERED });
      const sent = new Set<string>();
      const send = async (): Promise<void> => {
        sent.add((await producer.send({ topic, body: `message ${sent.size}` })).msgId);
      };
      await send();
      const consumer = await mq.consumer({ group, subscribe: { [topic]: '*' }, from: 'first' });
      const ours = new Set<string>();
      const shares = new Set<number>();
      await consumer.run((message: ReceivedMessage) => {
        ours.add(message.msgId);
        shares.add(consumer.assignment().length);
      });
      const javaRun = { ended: false };
      const java = drive(inject('java'), target().nameServer, 'consume', [topic, group, '20']).finally(() => {
        javaRun.ended = true;
      });
      while (!javaRun.ended) {
        await send();
        await pause(20);
      }
      const outcome = await java;
      expect(outcome.exitCode, describeOutcome('consume', outcome)).toBe(0);
      const theirs = new Set(readReceived(outcome.stdout).map(({ msgId }) => msgId));
      await until('every message at one of the two', () => [...sent].every((id) => ours.has(id) || theirs.has(id)));
      expect(theirs.size).toBeGreaterThanOrEqual(20);
      expect([...shares]).toEqual(expect.arrayContaining([4, 2]));
    });
  });
}
