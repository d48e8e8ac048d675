import { describe, expect, inject, test } from 'vitest';
import { connect, describeTrace } from '../../../core/index.js';
import { tracing } from '../../../plugins/tracing/index.js';
import { drive, mqadmin } from '../kit/java.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { waitFor } from '../kit/ports.js';
import { describeOutcome } from '../kit/processes.js';
import type { Target } from '../kit/target.js';

/** Traces that our client leaves on whatever broker, as Apache's tools of 5.5.0 show them. */
export function ourTracesContract(target: () => Target): void {
  describe.concurrent('traces of our client', () => {
    test('are what queryMsgTraceById shows, of sends and of handlers', async ({ onTestFinished }) => {
      const { nameServer } = target();
      const plugin = tracing();
      const mq = await connect({ ...PATIENT, nameServers: nameServer, plugins: [plugin] });
      onTestFinished(() => mq.close());
      const producer = await mq.producer({ group: 'ours_traced_shop', ...ANSWERED });
      const { msgId } = await producer.send({ topic: 'ours_traced', body: 'x', keys: ['traced-42'] });
      const [, last] = await producer.sendBatch(['a', 'b'].map((body) => ({ topic: 'ours_traced', body })));
      const subscribe = { ours_traced: '*' };
      const consumer = await mq.consumer({ group: 'ours_traced_billing', subscribe, from: 'first' });
      await consumer.run(() => undefined);
      const traces = mq.plugin(plugin);
      await waitFor('three messages are traced', async () => traces.traced >= 9);
      await traces.flush();
      expect(traces).toMatchObject({ dropped: 0, lost: 0 });

      const shown = async (id: string): Promise<string[]> => {
        const outcome = await mqadmin(inject('java'), nameServer, 'queryMsgTraceById', ['-i', id], {
          version: '5.5.0',
        });
        const rows = outcome.stdout.split('\n').filter((line) => /^(Pub|Sub) /.test(line));
        return rows
          .map((row) => row.trim().split(/\s+/))
          .map(([type, group, , , , ...rest]) => [type, group, ...rest].join(' '));
      };
      const expected = [
        expect.stringMatching(/^Pub ours_traced_shop \d+ms success$/),
        expect.stringMatching(/^Sub ours_traced_billing \d+ms success$/),
      ];
      // The index of Apache's broker is a moment behind what was sent.
      const indexed = async (id: string) => {
        const { sends, groups } = await mq.admin.trace(id);
        return sends.length > 0 && groups.some(({ deliveries }) => deliveries.some(({ end }) => end !== undefined));
      };
      for (const id of [msgId, last?.msgId ?? '']) await waitFor('the traces', () => indexed(id));
      const [single, ofBatch] = await Promise.all([shown(msgId), shown(last?.msgId ?? '')]);
      expect(single).toEqual(expected);
      expect(ofBatch).toEqual(expected);
    });

    test("of Java's client are what mq.admin.trace shows", async ({ onTestFinished }) => {
      const { nameServer } = target();
      const mq = await connect({ ...PATIENT, nameServers: nameServer });
      onTestFinished(() => mq.close());
      const outcome = await drive(inject('java'), nameServer, 'trace', ['java_traced_for_us']);
      expect(outcome.exitCode, describeOutcome('trace', outcome)).toBe(0);
      const msgId = /^id (\w+)$/m.exec(outcome.stdout)?.[1] ?? '';
      const trace = await mq.admin.trace(msgId);
      expect(trace, describeTrace(trace)).toMatchObject({
        msgId,
        keys: 'key-of-java_traced_for_us',
        sends: [
          {
            group: 'interop_java_tracer',
            topic: 'java_traced_for_us',
            tag: 'traced',
            bodyLengthBytes: 1,
            success: true,
          },
        ],
        groups: [
          {
            group: 'group_java_traced_for_us',
            deliveries: [{ retryTimes: 0, end: { success: true, returnType: 'SUCCESS' } }],
          },
        ],
        unreadable: [],
        failures: [],
      });
    });
  });
}
