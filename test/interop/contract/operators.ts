import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Client, connect } from '../../../core/index.js';
import type { ApacheVersion } from '../kit/jars.js';
import { mqadmins, type ToolOutput } from '../kit/java.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import type { Target } from '../kit/target.js';

/** What operators change with Apache's mqadmin, of either version, and what a client sees of it then. */
export function operatorsContract(target: () => Target, version: ApacheVersion): void {
  describe(`an operator with mqadmin ${version}`, () => {
    const topic = `operators_${version.replaceAll('.', '_')}`;
    const group = `${topic}_group`;
    const ofGroup = [`%RETRY%${group}`, `%DLQ%${group}`];
    const said = new Map<string, ToolOutput>();

    /** What a command said, which has to have gone well. */
    const saidBy = (command: string): string => {
      const { stdout, stderr } = said.get(command) ?? { stdout: '', stderr: 'it did not run' };
      expect(stderr, `${command}\n${stdout}`).not.toMatch(/SubCommandException|it did not run/);
      return stdout;
    };

    const withClient = async (work: (mq: Client) => Promise<void>): Promise<void> => {
      const mq = await connect({ ...PATIENT, nameServers: target().nameServer });
      await work(mq).finally(() => mq.close());
    };

    beforeAll(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'multistage-export-'));
      await withClient(async (mq) => {
        const { admin } = mq;
        for (const each of [topic, ...ofGroup]) await admin.createTopic(each, { queueNum: 1, ...ANSWERED });
        const producer = await mq.producer({ group: `${topic}_producer`, ...ANSWERED });
        for (let number = 0; number < 3; number++) await producer.send({ topic, body: `${number}` });
      });
      const { brokerAddress, clusterName } = target();
      const at = ['-b', brokerAddress];
      const order = ['-k', 'orderMessageEnable', '-v', 'true'];
      const commands: [string, ...string[]][] = [
        ['deleteTopic', '-c', clusterName, '-t', topic],
        ['deleteSubGroup', '-c', clusterName, '-g', group, '-r', 'true'],
        ['updateBrokerConfig', ...at, '-k', 'transactionTimeOut', '-v', version === '4.9.7' ? '7001' : '7002'],
        ['getBrokerConfig', ...at],
        ['updateNamesrvConfig', ...order],
        ['getNamesrvConfig'],
        ['exportConfigs', '-c', clusterName, '-f', folder],
        ['cleanExpiredCQ', ...at],
        ['cleanUnusedTopic', ...at],
        ['deleteExpiredCommitLog', ...at],
      ];
      const running = mqadmins(inject('java'), target().nameServer, commands, version);
      const outputs = await running.finally(() => rm(folder, { recursive: true }));
      for (const [index, [command]] of commands.entries()) said.set(command, outputs[index]!);
    });

    test('deletes a topic: it is gone at once, and begins empty when it is made again', async () => {
      const stdout = saidBy('deleteTopic');
      expect(stdout).toContain(`delete topic [${topic}] from cluster [${target().clusterName}] success.`);
      expect(stdout).toContain(`delete topic [${topic}] from NameServer success.`);
      await withClient(async ({ admin }) => {
        const looking = admin.fetchSubscribeMessageQueues(topic);
        await expect(looking).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
        await admin.createTopic(topic, { queueNum: 1, ...ANSWERED });
        expect(await admin.maxOffset({ topic, brokerName: target().brokerName, queueId: 0 })).toBe(0);
      });
    });

    test('deletes a group with what it retries and its dead letters', async () => {
      expect(saidBy('deleteSubGroup')).toContain(`delete subscription group [${group}]`);
      await withClient(async ({ admin }) => {
        for (const each of ofGroup) {
          const looking = admin.fetchSubscribeMessageQueues(each);
          await expect(looking, each).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
        }
      });
    });

    test('changes settings of the running broker and name server, and sees them', () => {
      expect(saidBy('updateBrokerConfig')).toContain('success');
      expect(saidBy('getBrokerConfig')).toMatch(/^transactionTimeOut\s*=\s*700[12]\s*$/m);
      expect(saidBy('updateNamesrvConfig')).toContain('success');
      expect(saidBy('getNamesrvConfig')).toMatch(/orderMessageEnable\s*=\s*true/);
      expect(saidBy('exportConfigs')).toContain('configs.json success');
    });

    test('cleans queues, topics and files', () => {
      const cleaning = ['cleanExpiredCQ', 'cleanUnusedTopic', 'deleteExpiredCommitLog'];
      expect(cleaning.map((command) => saidBy(command).trim())).toEqual(['success', 'success', 'success']);
    });
  });
}
