import { describe, expect, test } from 'vitest';
import { describeTrace, encodeTraceRecord, type RecallRecord } from '../../../core/index.js';
import { tracing } from '../../../plugins/tracing/index.js';
import { waitFor } from '../../kit/wait-for.js';
import { tracedCluster } from './trace-reader.js';

describe('mq.admin.trace', () => {
  test('shows what happened to a message, and to no other', async () => {
    const { open } = await tracedCluster();
    const plugin = tracing();
    const mq = await open(plugin);
    const producer = await mq.producer({ group: 'shop' });
    const { msgId } = await producer.send({ topic: 'orders', body: 'order 42', tag: 'created', keys: ['42'] });
    const other = await producer.send({ topic: 'orders', body: 'order 43', keys: ['42'] });
    const subscribe = { orders: '*' };
    for (const group of ['billing', 'audit']) {
      await (await mq.consumer({ group, subscribe, from: 'first' })).run(() => undefined);
    }
    await waitFor(() => mq.plugin(plugin).traced === 10);
    await mq.plugin(plugin).flush();

    const trace = await waitFor(
      async () => {
        const found = await mq.admin.trace(msgId);
        const deliveries = found.groups.flatMap((group) => group.deliveries);
        return deliveries.length === 2 && found.sends.length === 1 ? found : undefined;
      },
      { what: 'an index that has caught up' },
    );
    expect(trace).toMatchObject({
      msgId,
      keys: '42',
      sends: [{ group: 'shop', topic: 'orders', tag: 'created', success: true }],
      transactionEnds: [],
      recalls: [],
      unreadable: [],
      failures: [],
    });
    expect(trace.groups.map(({ group }) => group).sort()).toEqual(['audit', 'billing']);
    for (const { deliveries } of trace.groups) {
      expect(deliveries).toMatchObject([{ retryTimes: 0, end: { success: true, returnType: 'SUCCESS' } }]);
      expect(deliveries[0]?.clientHost).toMatch(/^127\.0\.0\.1:\d+$/);
    }
    expect(describeTrace(trace)).toMatch(/ sent by shop at [\s\S]*─ (billing|audit)\n[\s\S]*: SUCCESS after \d+ ms/);
    expect((await mq.admin.trace(other.msgId)).sends).toHaveLength(1);
  });

  test('looks where it is told to, leaves out what it cannot read, and says so', async () => {
    const { open } = await tracedCluster();
    const mq = await open();
    const producer = await mq.producer({ group: 'shop' });
    const facts = { msgId: 'ID', keys: undefined, timestamp: 1, regionId: 'north', group: 'shop' };
    const recall: RecallRecord = { ...facts, type: 'Recall', topic: 'orders', success: true };
    const broken = 'Pub\u0001soon\u0001north\u0001shop\u0001orders\u0001ID';
    const body = `${encodeTraceRecord(recall)}${broken}\u0002Pub\u0001soon\u0001about another\u0002`;
    await producer.send({ topic: 'my_traces', body, keys: ['ID'] });
    const trace = await waitFor(async () => {
      const found = await mq.admin.trace('ID', { traceTopic: 'my_traces' });
      return found.recalls.length > 0 ? found : undefined;
    });
    expect(trace.recalls).toMatchObject([{ group: 'shop', timestamp: 1, success: true }]);
    expect(trace.unreadable).toEqual([broken]);
    const later = { traceTopic: 'my_traces', begin: Date.now() + 3_600_000 };
    expect(await mq.admin.trace('ID', later)).toMatchObject({ recalls: [], sends: [], groups: [], keys: undefined });
  });

  test('needs an id, and a trace topic', async () => {
    const { open } = await tracedCluster();
    const mq = await open();
    await expect(mq.admin.trace('')).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'msgId' });
    const maxNum = { maxNum: 0 };
    await expect(mq.admin.trace('ID', maxNum)).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'maxNum' });
    await expect(mq.admin.trace('ID')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  });
});
