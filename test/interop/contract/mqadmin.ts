import { beforeAll, describe, expect, inject, test } from 'vitest';
import { connect, type SendResult } from '../../../core/index.js';
import { drive, mqadmin } from '../kit/java.js';
import { writeOutgoing } from '../kit/message-lines.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { waitFor } from '../kit/ports.js';
import { describeOutcome, type ProcessOutcome } from '../kit/processes.js';
import { canBePulled, queuesOf } from '../kit/settled.js';
import type { Target } from '../kit/target.js';

const TOPIC = 'admin_topic';
const KEYED_TOPIC = 'admin_keyed';
/** Messages in queues 0 to 3. */
const MESSAGES_BY_QUEUE = [2, 1, 0, 3];

/** What Apache's mqadmin 4.9.7 shows of a cluster of one broker. Its commands run at the same time: most of each is waiting. */
export function mqadminContract(target: () => Target): void {
  const admin = async (command: string, ...args: string[]): Promise<ProcessOutcome> => {
    const outcome = await mqadmin(inject('java'), target().nameServer, command, args);
    expect(outcome.exitCode, describeOutcome(command, outcome)).toBe(0);
    return outcome;
  };

  describe.concurrent("Apache's mqadmin", () => {
    const keyed: SendResult[] = [];

    beforeAll(async () => {
      const mq = await connect({ ...PATIENT, nameServers: target().nameServer });
      const producer = await mq.producer({ group: 'admin_keyed_producer', ...ANSWERED });
      for (const key of ['one', 'two', 'two']) {
        const message = { topic: KEYED_TOPIC, body: `of key ${key}`, tag: 'T', keys: [key, 'shared'] };
        keyed.push(await producer.send(message));
      }
      // Apache's index is a moment behind.
      await waitFor(
        'the index',
        async () => (await mq.admin.queryMessage(KEYED_TOPIC, 'shared')).messages.length === 3,
      );
      const lines = MESSAGES_BY_QUEUE.flatMap((count, queueId) =>
        Array.from({ length: count }, () => writeOutgoing({ topic: TOPIC, body: Buffer.from('x'), queueId })),
      );
      const outcome = await drive(inject('java'), target().nameServer, 'produce', [], { input: lines.join('\n') });
      expect(outcome.exitCode, describeOutcome('produce', outcome)).toBe(0);
      for (const queue of await queuesOf(mq, TOPIC)) {
        const queueOffset = (MESSAGES_BY_QUEUE[queue.queueId] ?? 0) - 1;
        await canBePulled(mq, [{ queue, queueOffset }]);
      }
      await mq.close();
    });

    test('clusterList shows the broker, its version and its load', async ({ expect }) => {
      const { clusterName, brokerName, brokerAddress } = target();
      const { stdout } = await admin('clusterList');
      const [row = ''] = stdout.split('\n').filter((line) => line.startsWith(clusterName));
      const [cluster, broker, id, address, version, ...load] = row.trim().split(/\s+/);
      expect({ cluster, broker, id, address, version }, stdout).toEqual({
        cluster: clusterName,
        broker: brokerName,
        id: '0',
        address: brokerAddress,
        version: 'V4_9_7',
      });
      // Messages a second in and out with queue length and wait, page cache wait, hours of messages, disk in use.
      expect(load.join(' ')).toMatch(/^[\d.]+\(\d+,\d+ms\) [\d.]+\(\d+,\d+ms\) \d+ \d+\.\d\d [01]\.\d{4}$/);
    });

    test('clusterList -m counts the messages of today', async ({ expect }) => {
      const { clusterName, brokerName } = target();
      const { stdout } = await admin('clusterList', '-m');
      const [row = ''] = stdout.split('\n').filter((line) => line.startsWith(clusterName));
      const [, broker, ...counts] = row.trim().split(/\s+/);
      expect(broker, stdout).toBe(brokerName);
      expect(counts).toHaveLength(4);
      expect(Number(counts[2])).toBeGreaterThanOrEqual(6);
    });

    test('topicList lists topics and the system topics of the broker, each once', async ({ expect }) => {
      const { clusterName, brokerName } = target();
      const { stdout } = await admin('topicList');
      const topics = stdout
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '');
      expect(topics).toEqual(expect.arrayContaining([TOPIC, 'TBW102', clusterName, brokerName]));
      expect(topics).toHaveLength(new Set(topics).size);
    });

    test('topicRoute shows the queues of a topic and where they are', async ({ expect }) => {
      const { clusterName, brokerName, brokerAddress } = target();
      const { stdout } = await admin('topicRoute', '-t', TOPIC);
      // fastjson writes the keys of brokerAddrs without quotes.
      const route: unknown = JSON.parse(stdout.replace(/([{,])\s*(\d+):/g, '$1"$2":'));
      expect(route).toMatchObject({
        brokerDatas: [{ cluster: clusterName, brokerName, brokerAddrs: { 0: brokerAddress } }],
        queueDatas: [{ brokerName, readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
      });
    });

    test('topicRoute -l shows the same as a table', async ({ expect }) => {
      const { clusterName, brokerName, brokerAddress } = target();
      const { stdout } = await admin('topicRoute', '-t', TOPIC, '-l');
      const [row = ''] = stdout.split('\n').filter((line) => line.startsWith(clusterName));
      expect(row.trim().split(/\s+/), stdout).toEqual([clusterName, brokerName, `{0=${brokerAddress}}`, '4', '4', '6']);
    });

    test('topicRoute of a topic that does not exist says code 17', async ({ expect }) => {
      const { stderr } = await admin('topicRoute', '-t', 'never_created');
      expect(stderr).toContain('CODE: 17  DESC: No topic route info in name server for the topic: never_created');
    });

    test('topicStatus shows the offsets of every queue', async ({ expect }) => {
      const { brokerName } = target();
      const { stdout } = await admin('topicStatus', '-t', TOPIC);
      const rows = stdout.split('\n').filter((line) => line.startsWith(brokerName));
      const shown = rows
        .map((row) => row.trim().split(/\s+/))
        .map(([, queueId, min, max]) => [queueId, min, max].map(Number));
      expect(shown, stdout).toEqual(MESSAGES_BY_QUEUE.map((count, queueId) => [queueId, 0, count]));
      const stored = rows.filter((row) => /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}/.test(row));
      expect(stored, 'queues with messages say when the last came').toHaveLength(3);
    });

    test('queryMsgByKey finds the messages of a key', async ({ expect }) => {
      const found = async (key: string) => {
        const { stdout } = await admin('queryMsgByKey', '-t', KEYED_TOPIC, '-k', key);
        const rows = stdout.split('\n').filter((line) => /^[0-9A-F]{32,56} /.test(line));
        return rows.map((row) => row.trim().split(/\s+/)).sort();
      };
      const rowOf = ({ msgId, queue, queueOffset }: SendResult) => [msgId, `${queue.queueId}`, `${queueOffset}`];
      const [shared, two] = await Promise.all([found('shared'), found('two')]);
      expect(shared).toEqual(keyed.map(rowOf).sort());
      expect(two).toEqual(keyed.slice(1).map(rowOf).sort());
    });

    test('queryMsgByUniqueKey shows a message by the id of its producer', async ({ expect }) => {
      const [first] = keyed as [SendResult];
      const { stdout } = await admin('queryMsgByUniqueKey', '-t', KEYED_TOPIC, '-i', first.msgId);
      expect(fieldsOf(stdout)).toMatchObject({
        Topic: KEYED_TOPIC,
        Tags: '[T]',
        Keys: '[one shared]',
        'Queue ID': `${first.queue.queueId}`,
        'Queue Offset': `${first.queueOffset}`,
      });
    });

    test('queryMsgById shows a message by the id that says where it lies', async ({ expect }) => {
      const [, second] = keyed as [SendResult, SendResult];
      const { stdout } = await admin('queryMsgById', '-i', second.offsetMsgId ?? '');
      expect(fieldsOf(stdout)).toMatchObject({
        OffsetID: second.offsetMsgId,
        Topic: KEYED_TOPIC,
        Keys: '[two shared]',
      });
    });

    test('queryMsgByOffset shows the message at a place of a queue', async ({ expect }) => {
      const [, , third] = keyed as [SendResult, SendResult, SendResult];
      const { brokerName, queueId } = third.queue;
      const place = ['-b', brokerName, '-i', `${queueId}`, '-o', `${third.queueOffset}`];
      const { stdout } = await admin('queryMsgByOffset', '-t', KEYED_TOPIC, ...place);
      expect(fieldsOf(stdout)).toMatchObject({ OffsetID: third.offsetMsgId, Keys: '[two shared]' });
    });
  });
}

/** What mqadmin prints of a message: `Name:   value`. */
function fieldsOf(stdout: string): Record<string, string> {
  const fields = stdout.split('\n').map((line) => /^([A-Z][A-Za-z ]*):\s+(.*)$/.exec(line.trim()));
  return Object.fromEntries(fields.flatMap((field) => (field === null ? [] : [[field[1], field[2]]])));
}
