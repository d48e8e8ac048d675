import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import {
  type Client,
  type ConsumedMessage,
  type Consumer,
  type ConsumerEvent,
  connect,
  type MessageQueue,
  sql,
} from '../../../core/index.js';
import { createRemotingClient } from '../../../core/remoting/client.js';
import type { ExtInput, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import { waitFor } from '../../kit/wait-for.js';
import { drive, mqadmin } from '../kit/java.js';
import { readReceived } from '../kit/message-lines.js';
import { ANSWERED, EVENTUALLY, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import type { Target } from '../kit/target.js';

const UPDATE_BROKER_CONFIG = 25;

async function until(what: string, predicate: () => boolean): Promise<void> {
  await waitFor(predicate, { ...EVENTUALLY, what });
}

function eventsOf(consumer: Consumer): ConsumerEvent[] {
  const events: ConsumerEvent[] = [];
  consumer.events$.subscribe((event) => events.push(event));
  return events;
}

/**
 * What our consumer gives back to Apache's broker, what it filters by, and what operators ask of it.
 * @param withJava whether Java members and tools take part: they take their time
 */
export function ourConsumerRetriesContract(target: () => Target, { withJava }: { readonly withJava: boolean }): void {
  let remoting: RemotingClient;
  const ask = (code: number, ext: ExtInput, body = ''): Promise<RemotingCommand> =>
    remoting.invoke(target().brokerAddress, { code, ext, body: Buffer.from(body) }, ANSWERED);
  async function client(): Promise<Client> {
    const mq = await connect({ ...PATIENT, nameServers: target().nameServer });
    onTestFinished(() => mq.close());
    return mq;
  }
  /** A client, and messages of a topic of its own in one queue. */
  async function sent(topic: string, bodies: readonly string[], properties: readonly Record<string, string>[] = []) {
    const mq = await client();
    const producer = await mq.producer({ group: `${topic}_producer`, ...ANSWERED });
    let queue: MessageQueue | undefined;
    for (const [index, body] of bodies.entries()) {
      const message = { topic, body, properties: properties[index] ?? {} };
      ({ queue } = await producer.send(message, queue === undefined ? {} : { queue }));
    }
    return { mq, queue: queue as MessageQueue };
  }

  describe('what our consumer gives back to Apache', () => {
    beforeAll(() => {
      remoting = createRemotingClient({ transport: tcpTransport });
    });
    afterAll(() => remoting.close());

    test('comes again under its topic and id, and is a dead letter after its last try', async () => {
      const topic = 'ours_retried';
      const { mq } = await sent(topic, ['poison', 'food']);
      const group = `${topic}_group`;
      const options = { group, subscribe: { [topic]: '*' }, from: 'first', maxReconsumeTimes: 1 } as const;
      const consumer = await mq.consumer(options);
      const seen: unknown[] = [];
      const events = eventsOf(consumer);
      await consumer.run((message, { attempt }) => {
        if (message.body.toString() === 'food') return;
        seen.push({ topic: message.topic, msgId: message.msgId, attempt, reconsumeTimes: message.reconsumeTimes });
        message.retry({ after: '1s' });
      });
      await until('two send-backs', () => events.filter(({ type }) => type === 'sentBack').length === 2);
      const { msgId } = seen[0] as { msgId: string };
      expect(seen).toEqual([0, 1].map((times) => ({ topic, msgId, attempt: times, reconsumeTimes: times })));
      const office = await mq.consumer({
        group: `${topic}_office`,
        subscribe: { [`%DLQ%${group}`]: '*' },
        from: 'first',
      });
      const dead: ConsumedMessage[] = [];
      await office.run((message) => void dead.push(message));
      await until('the dead letter', () => dead.length === 1);
      expect(dead[0]).toMatchObject({ msgId, properties: { RETRY_TOPIC: topic } });
    });

    test('filters by SQL92 where the broker allows it, and says why where it refuses', async () => {
      const topic = 'ours_sql';
      const { mq } = await sent(topic, ['cheap', 'dear'], [{ price: '3' }, { price: '300' }]);
      const consumerOf = (name: string, expression: string) =>
        mq.consumer({ group: `${topic}_${name}`, subscribe: { [topic]: sql(expression) }, from: 'first' });
      await ask(UPDATE_BROKER_CONFIG, {}, 'enablePropertyFilter=false\n');
      await expect((await consumerOf('off', 'price > 10')).run(() => undefined)).rejects.toMatchObject({
        code: 'RMQ_SUBSCRIPTION_INVALID',
        responseCode: 1,
        remark: expect.stringContaining('does not support consumer to filter message by SQL92'),
      });
      await ask(UPDATE_BROKER_CONFIG, {}, 'enablePropertyFilter=true\n');
      onTestFinished(async () => void (await ask(UPDATE_BROKER_CONFIG, {}, 'enablePropertyFilter=false\n')));
      await expect((await consumerOf('wrong', 'price >')).run(() => undefined)).rejects.toMatchObject({
        code: 'RMQ_SUBSCRIPTION_INVALID',
        responseCode: 23,
      });
      const consumer = await consumerOf('right', 'price > 10');
      const got: string[] = [];
      await consumer.run((message) => void got.push(message.body.toString()));
      await until('the dear one', () => got.length === 1);
      await consumer.close();
      expect(got).toEqual(['dear']);
    });

    test('goes on from the offset that an administrator sets', async () => {
      const topic = 'ours_reset';
      const { mq, queue } = await sent(topic, ['0', '1', '2']);
      // 5.x tells with the next pull: one that is held long would be long in coming.
      const soon = { persistOffsetIntervalMs: 200, suspendTimeoutMs: 1_000 };
      const group = `${topic}_group`;
      const consumer = await mq.consumer({ group, subscribe: { [topic]: '*' }, from: 'first', ...soon });
      const events = eventsOf(consumer);
      const got: string[] = [];
      await consumer.run((message) => void got.push(message.body.toString()));
      await until('everything', () => got.length === 3);
      // 4.9 resets only groups that have an offset of every queue.
      const withOffset = () =>
        events.flatMap((event) =>
          event.type === 'committed' && event.queue.topic === topic ? [event.queue.queueId] : [],
        );
      await until('offsets of all queues', () => new Set(withOffset()).size === 4);
      const ext = { topic, group, timestamp: 0, isForce: true };
      expect((await ask(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, ext)).code).toBe(0);
      await until('everything once more', () => got.length >= 6);
      expect(got.slice(3)).toEqual(['0', '1', '2']);
      expect(events.filter(({ type }) => type === 'offsetReset')).toMatchObject(
        expect.arrayContaining([expect.objectContaining({ queue, to: 0 })]),
      );
    });

    test('answers an operator: how it is, and one message now', async () => {
      const topic = 'ours_operated';
      const { mq } = await sent(topic, ['once']);
      const group = `${topic}_group`;
      const consumer = await mq.consumer({ group, subscribe: { [topic]: '*' }, from: 'first' });
      const got: ConsumedMessage[] = [];
      await consumer.run((message) => void got.push(message));
      await until('the message', () => got.length === 1);
      const { clientId } = mq;
      const msgId = got[0]?.offsetMsgId ?? '';
      const direct = { consumerGroup: group, clientId, msgId, brokerName: target().brokerName, topic };
      const answer = await ask(RequestCode.CONSUME_MESSAGE_DIRECTLY, direct);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ consumeResult: 'CR_SUCCESS', order: false });
      expect(got).toHaveLength(2);
      const info = await ask(RequestCode.GET_CONSUMER_RUNNING_INFO, { consumerGroup: group, clientId });
      expect(info.code).toBe(0);
      if (!withJava) return;
      const outcome = await mqadmin(inject('java'), target().nameServer, 'consumerStatus', [
        '-g',
        group,
        '-i',
        clientId,
      ]);
      expect(outcome.stdout, describeOutcome('consumerStatus', outcome)).toContain('#Consumer Properties#');
      expect(outcome.stdout).toMatch(new RegExp(`${topic} +${target().brokerName} +0 `));
    });

    test.runIf(withJava)('a Java member and ours read what the other gave back', async () => {
      const topic = 'ours_and_java_retries';
      const group = `${topic}_group`;
      const { mq } = await sent(topic, ['back and forth']);
      const java = async (scenario: string): Promise<string> => {
        const outcome = await drive(inject('java'), target().nameServer, scenario, [topic, group, '1']);
        expect(outcome.exitCode, describeOutcome(scenario, outcome)).toBe(0);
        return outcome.stdout;
      };
      await java('handBack');
      const consumer = await mq.consumer({ group, subscribe: { [topic]: '*' }, from: 'first' });
      const events = eventsOf(consumer);
      const got: ConsumedMessage[] = [];
      await consumer.run((message) => {
        got.push(message);
        message.retry({ after: '1s' });
      });
      await until('ours to give it back', () => events.some(({ type }) => type === 'sentBack'));
      await consumer.close();
      expect(got[0]).toMatchObject({ topic, reconsumeTimes: 1 });
      const [received] = readReceived(await java('consume'));
      expect(received).toMatchObject({ topic, msgId: got[0]?.msgId });
    });
  });
}
