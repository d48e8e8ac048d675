import { from, lastValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type DeliveryContext,
  type DeliveryOutcome,
  type ReceivedMessage,
  type SubAfterRecord,
  type TraceRecord,
  UniqueIdGenerator,
} from '../../../core/index.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { tracing } from '../../../plugins/tracing/index.js';
import { subInterceptor } from '../../../plugins/tracing/sub-interceptor.js';
import type { TraceDispatcher } from '../../../plugins/tracing/trace-dispatcher.js';
import { TraceReporter } from '../../../plugins/tracing/trace-reporter.js';
import { CONSUMER_KINDS } from '../../consumer/kit/consumer-kinds.js';
import { tempDir } from '../../kit/temp-dir.js';
import { waitFor } from '../../kit/wait-for.js';
import { ofType, tracedCluster } from './trace-reader.js';

describe('a consumer with tracing', () => {
  test('leaves a SubBefore and a SubAfter of each call, which name each other', async () => {
    const { open, readTraces } = await tracedCluster();
    const plain = await open();
    const sent = await (await plain.producer({ group: 'shop' })).send({ topic: 'orders', body: 'x', keys: '42' });
    const plugin = tracing();
    const mq = await open(plugin);
    const handlerRetry = { attempts: 1, initialDelayMs: 10 };
    const subscribe = { orders: '*' };
    const consumer = await mq.consumer({ group: 'billing', subscribe, from: 'first', handlerRetry });
    let tries = 0;
    await consumer.run(() => {
      if (tries++ === 0) throw new Error('not yet');
    });
    await waitFor(() => mq.plugin(plugin).traced >= 4);
    await mq.close();
    const { messages, records } = await readTraces(4);
    const [first, second] = ofType(records, 'SubBefore');
    const common = { group: 'billing', msgId: sent.msgId, keys: '42' };
    expect(first).toMatchObject({ ...common, retryTimes: 0, regionId: undefined });
    expect(second).toMatchObject({ ...common, retryTimes: 1 });
    expect(ofType(records, 'SubAfter')).toMatchObject([
      { ...common, requestId: first?.requestId, success: false, returnType: 'EXCEPTION' },
      { ...common, requestId: second?.requestId, success: true, returnType: 'SUCCESS' },
    ]);
    expect(first?.requestId).toMatch(/^[0-9A-F]{32,56}$/);
    expect(second?.requestId).not.toBe(first?.requestId);
    expect(messages[0]?.keys).toEqual([sent.msgId, '42']);
  });

  test('leaves both of what it gets, whatever kind it is', async () => {
    const { open, readTraces } = await tracedCluster();
    const sent = await (await (await open()).producer({ group: 'shop' })).send({ topic: 'orders', body: 'x' });
    const plugin = tracing();
    const mq = await open(plugin);
    const groups = CONSUMER_KINDS.map(({ kind }) => kind.replace(' ', '_'));
    const localOffsetStoreDir = tempDir();
    const readings = await Promise.all(
      CONSUMER_KINDS.map(({ read }, index) =>
        read(mq, { group: groups[index]!, topic: 'orders', count: 1, localOffsetStoreDir }),
      ),
    );
    const count = 2 * groups.length;
    await waitFor(() => mq.plugin(plugin).traced >= count, { what: 'two records of each' });
    await Promise.all(readings.map(({ close }) => close()));
    await mq.close();
    const { records } = await readTraces(count);
    expect(records).toHaveLength(count);
    const { msgId } = sent;
    for (const group of groups) {
      const [before] = ofType(records, 'SubBefore').filter((record) => record.group === group);
      expect(before).toMatchObject({ msgId, retryTimes: 0 });
      const [after] = ofType(records, 'SubAfter').filter((record) => record.group === group);
      expect(after).toMatchObject({ msgId, requestId: before?.requestId, success: true, returnType: 'SUCCESS' });
    }
  });

  test('of the trace topic leaves nothing: it would never end', async () => {
    const { open } = await tracedCluster();
    const plugin = tracing();
    const mq = await open(plugin);
    await (await mq.producer({ group: 'shop' })).send({ topic: 'orders', body: 'x' });
    await mq.plugin(plugin).flush();
    const seen: ReceivedMessage[] = [];
    const subscribe = { RMQ_SYS_TRACE_TOPIC: '*' };
    const consumer = await mq.consumer({ group: 'dashboard', subscribe, from: 'first' });
    await consumer.run((message: ReceivedMessage) => void seen.push(message));
    await waitFor(() => seen.length === 1);
    await consumer.close();
    expect(mq.plugin(plugin).traced).toBe(1);
  });
});

describe('what a handler made of its messages', () => {
  const message = (properties: Record<string, string> = {}): ReceivedMessage =>
    ({ topic: 'orders', msgId: 'ID', properties, reconsumeTimes: 0 }) as ReceivedMessage;

  async function traced(
    outcome: DeliveryOutcome,
    { messages = [message()], tookMs = 8, attempt = 0, region }: Partial<Given> = {},
  ) {
    const records: TraceRecord[] = [];
    const dispatcher: TraceDispatcher = { append: (record) => records.push(record) > 0 };
    const clock = virtualClock();
    const reporter = new TraceReporter('RMQ_SYS_TRACE_TOPIC', console);
    reporter.use(dispatcher);
    const ids: UniqueIdGenerator = { next: () => 'REQUEST' };
    const interceptor = subInterceptor({ reporter, clock, ids, region, consumeTimeoutMs: 1_000 });
    const context = { group: 'g', messages, attempt } as unknown as DeliveryContext;
    const ended = lastValueFrom(interceptor(context, () => from(clock.advance(tookMs).then(() => outcome))));
    expect(await ended).toBe(outcome);
    return { records, afters: records.filter((record): record is SubAfterRecord => record.type === 'SubAfter') };
  }
  interface Given {
    readonly messages: readonly ReceivedMessage[];
    readonly tookMs: number;
    readonly attempt: number;
    readonly region: string;
  }

  test.each<[string, DeliveryOutcome, Partial<Given>, Partial<SubAfterRecord>]>([
    ['returns', { kind: 'ack' }, {}, { returnType: 'SUCCESS', success: true, costMs: 8 }],
    ['throws', { kind: 'retry', error: new Error('x') }, {}, { returnType: 'EXCEPTION', success: false }],
    ['asks for another try', { kind: 'retry', error: undefined }, {}, { returnType: 'FAILED', success: false }],
    ['gives up', { kind: 'deadLetter', reason: 'x' }, {}, { returnType: 'FAILED', success: false }],
    ['returns too late', { kind: 'ack' }, { tookMs: 1_000 }, { returnType: 'TIME_OUT', success: false, costMs: 1_000 }],
    ['throws too late', { kind: 'retry', error: 1 }, { tookMs: 1_000 }, { returnType: 'EXCEPTION', success: false }],
  ])('one that %s', async (_what, outcome, given, after) => {
    const { records, afters } = await traced(outcome, given);
    expect(afters).toMatchObject([after]);
    expect(records.map(({ type }) => type)).toEqual(['SubBefore', 'SubAfter']);
  });

  test('of a batch each has its own end, and its share of the time', async () => {
    const outcome: DeliveryOutcome = {
      kind: 'each',
      outcomes: [{ kind: 'ack' }, { kind: 'retry', error: undefined }, { kind: 'ack' }],
    };
    const { records, afters } = await traced(outcome, { messages: [message(), message(), message()], tookMs: 10 });
    expect(afters.map(({ returnType, costMs }) => [returnType, costMs])).toEqual([
      ['SUCCESS', 3],
      ['FAILED', 3],
      ['SUCCESS', 3],
    ]);
    expect(records.map((record) => 'requestId' in record && record.requestId)).toEqual(Array(6).fill('REQUEST'));
  });

  test('messages that shall not be traced are left out, and keep their place', async () => {
    const messages = [message({ TRACE_ON: 'false' }), message({ MSG_REGION: 'north', KEYS: 'k' })];
    const outcomes = [{ kind: 'ack' }, { kind: 'retry', error: 1 }] as const;
    const { records } = await traced({ kind: 'each', outcomes }, { messages });
    expect(records).toMatchObject([
      { type: 'SubBefore', regionId: 'north', keys: 'k' },
      { type: 'SubAfter', regionId: 'north', returnType: 'EXCEPTION' },
    ]);
    expect((await traced({ kind: 'ack' }, { messages: messages.slice(0, 1) })).records).toEqual([]);
  });

  test('a region stands in where a message names none', async () => {
    const { records } = await traced({ kind: 'ack' }, { region: 'south' });
    expect(records.map(({ regionId }) => regionId)).toEqual(['south', 'south']);
  });

  test('a message that failed here before counts that', async () => {
    const { records } = await traced({ kind: 'ack' }, { attempt: 2 });
    expect(records[0]).toMatchObject({ retryTimes: 2 });
  });
});
