import { describe, expect, inject, test } from 'vitest';
import { type Client, connect } from '../../../core/index.js';
import type { ApacheVersion } from '../kit/jars.js';
import { mqadmin } from '../kit/java.js';
import { describeOutcome } from '../kit/processes.js';
import type { Target } from '../kit/target.js';

/** What operators change with Apache's mqadmin, of either version, and what a client sees of it then. */
export function operatorsContract(target: () => Target, version: ApacheVersion): void {
  const topic = `operators_${version.replaceAll('.', '_')}`;

  const admin = async (command: string, ...args: string[]): Promise<string> => {
    const outcome = await mqadmin(inject('java'), target().nameServer, command, args, { version });
    expect(outcome.exitCode, describeOutcome(command, outcome)).toBe(0);
    expect(outcome.stderr, describeOutcome(command, outcome)).not.toContain('Exception');
    return outcome.stdout;
  };

  const withClient = async (work: (mq: Client) => Promise<void>): Promise<void> => {
    const mq = await connect({ nameServers: target().nameServer });
    await work(mq).finally(() => mq.close());
  };

  describe.concurrent(`an operator with mqadmin ${version}`, () => {
    test('deletes a topic: it is gone at once, and begins empty when it is made again', async ({ expect }) => {
      const queue = { topic, brokerName: target().brokerName, queueId: 0 };
      await withClient(async (mq) => {
        await mq.admin.createTopic(topic, { queueNum: 1, timeoutMs: 15_000 });
        const producer = await mq.producer({ group: `${topic}_producer`, timeoutMs: 15_000 });
        for (let number = 0; number < 3; number++) await producer.send({ topic, body: `${number}` });
      });
      const stdout = await admin('deleteTopic', '-c', target().clusterName, '-t', topic);
      expect(stdout).toContain(`delete topic [${topic}] from cluster [${target().clusterName}] success.`);
      expect(stdout).toContain(`delete topic [${topic}] from NameServer success.`);
      await withClient(async (mq) => {
        const looking = mq.admin.fetchSubscribeMessageQueues(topic);
        await expect(looking).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
        await mq.admin.createTopic(topic, { queueNum: 1, timeoutMs: 15_000 });
        expect(await mq.admin.maxOffset(queue)).toBe(0);
      });
    });

    test('changes settings of the running broker and name server, and sees them', async ({ expect }) => {
      const { brokerAddress } = target();
      const name = version === '4.9.7' ? 'transactionCheckMax' : 'transactionTimeOut';
      expect(await admin('updateBrokerConfig', '-b', brokerAddress, '-k', name, '-v', '7001')).toContain('success');
      expect(await admin('getBrokerConfig', '-b', brokerAddress)).toMatch(
        new RegExp(`^${name}\\s*=\\s*7001\\s*$`, 'm'),
      );
      const order = ['-k', 'orderMessageEnable', '-v', 'true'];
      expect(await admin('updateNamesrvConfig', ...order)).toContain('success');
      expect(await admin('getNamesrvConfig')).toMatch(/orderMessageEnable\s*=\s*true/);
    });

    test('cleans queues, topics and files', async ({ expect }) => {
      const at = ['-b', target().brokerAddress];
      const said = await Promise.all(
        ['cleanExpiredCQ', 'cleanUnusedTopic', 'deleteExpiredCommitLog'].map((command) => admin(command, ...at)),
      );
      expect(said.map((text) => text.trim())).toEqual(['success', 'success', 'success']);
    });

    test('deletes a group with what it retries and its dead letters', async ({ expect }) => {
      const group = `${topic}_group`;
      await withClient(async (mq) => {
        for (const each of [`%RETRY%${group}`, `%DLQ%${group}`]) {
          await mq.admin.createTopic(each, { queueNum: 1, timeoutMs: 15_000 });
        }
      });
      const stdout = await admin('deleteSubGroup', '-c', target().clusterName, '-g', group, '-r', 'true');
      expect(stdout).toContain(`delete subscription group [${group}]`);
      await withClient(async (mq) => {
        for (const each of [`%RETRY%${group}`, `%DLQ%${group}`]) {
          const looking = mq.admin.fetchSubscribeMessageQueues(each);
          await expect(looking, each).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
        }
      });
    });
  });
}
