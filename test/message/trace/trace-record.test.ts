import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces } from '../../../core/message/trace/decode-trace.js';
import { encodeTraceRecord, traceKeys } from '../../../core/message/trace/encode-trace.js';
import {
  CONSUME_RETURN_TYPES,
  isTraceTopic,
  type PubRecord,
  type SubAfterRecord,
  TRACED_MESSAGE_TYPES,
  type TraceRecord,
} from '../../../core/message/trace/trace-record.js';

/** What Apache's Java client 4.9.8 wrote, as recorded from the wire. */
const JAVA_PUB =
  'Pub\u00011795315527033\u0001DefaultRegion\u0001drive_producer\u0001gold_trace\u0001FD00000000000000000000000000000260F930946E096CBD05780000\u0001TR\u0001tracekey\u0001127.0.0.1:10811\u00016\u000115\u00010\u00017F00000100002A9F0000000018920474\u0001true\u0002';
const JAVA_SUB_BEFORE =
  'SubBefore\u00011795315527310\u0001null\u0001drive_trace_group\u0001FD00000000000000000000000000000260F930946E096CBD068E0002\u0001FD00000000000000000000000000000260F930946E096CBD05780000\u00010\u0001tracekey\u0002';
const JAVA_SUB_AFTER =
  'SubAfter\u0001FD00000000000000000000000000000260F930946E096CBD068E0002\u0001FD00000000000000000000000000000260F930946E096CBD05780000\u00010\u0001true\u0001tracekey\u00010\u00011795315527310\u0001drive_trace_group\u0002';

const pub: PubRecord = {
  type: 'Pub',
  timestamp: 1_795_315_527_033,
  regionId: 'DefaultRegion',
  group: 'drive_producer',
  topic: 'gold_trace',
  msgId: 'FD00000000000000000000000000000260F930946E096CBD05780000',
  tag: 'TR',
  keys: 'tracekey',
  storeHost: '127.0.0.1:10811',
  bodyLengthBytes: 6,
  costMs: 15,
  messageType: 'Normal_Msg',
  offsetMsgId: '7F00000100002A9F0000000018920474',
  success: true,
  clientHost: undefined,
};
const requestId = 'FD00000000000000000000000000000260F930946E096CBD068E0002';
const subAfter: SubAfterRecord = {
  type: 'SubAfter',
  timestamp: 1_795_315_527_310,
  group: 'drive_trace_group',
  requestId,
  msgId: pub.msgId,
  costMs: 0,
  success: true,
  keys: 'tracekey',
  returnType: 'SUCCESS',
  topic: undefined,
  regionId: undefined,
};

describe("the bytes of Java's client", () => {
  test.each<[string, string, TraceRecord]>([
    ['Pub', JAVA_PUB, pub],
    [
      'SubBefore',
      JAVA_SUB_BEFORE,
      {
        type: 'SubBefore',
        timestamp: 1_795_315_527_310,
        regionId: undefined,
        group: 'drive_trace_group',
        requestId,
        msgId: pub.msgId,
        retryTimes: 0,
        keys: 'tracekey',
        topic: undefined,
      },
    ],
    ['SubAfter', JAVA_SUB_AFTER, subAfter],
    [
      'EndTransaction',
      'EndTransaction\u00011795315527033\u0001DefaultRegion\u0001g\u0001orders\u0001ID\u0001null\u0001null\u0001127.0.0.1:10911\u00012\u0001TX\u0001ROLLBACK_MESSAGE\u0001true\u0002',
      {
        type: 'EndTransaction',
        timestamp: 1_795_315_527_033,
        regionId: 'DefaultRegion',
        group: 'g',
        topic: 'orders',
        msgId: 'ID',
        tag: undefined,
        keys: undefined,
        storeHost: '127.0.0.1:10911',
        transactionId: 'TX',
        transactionState: 'rollback',
        fromTransactionCheck: true,
      },
    ],
    [
      'Recall',
      'Recall\u00011795315527033\u0001DefaultRegion\u0001g\u0001orders\u0001ID\u0001false\u0002',
      {
        type: 'Recall',
        timestamp: 1_795_315_527_033,
        regionId: 'DefaultRegion',
        group: 'g',
        topic: 'orders',
        msgId: 'ID',
        keys: undefined,
        success: false,
      },
    ],
  ])('%s are ours, both ways', (_type, bytes, record) => {
    expect(encodeTraceRecord(record)).toBe(bytes);
    expect(decodeTraces(bytes)).toEqual({ records: [record], unreadable: [] });
  });

  test('records stand one after another', () => {
    const { records } = decodeTraces(JAVA_SUB_BEFORE + JAVA_SUB_AFTER + JAVA_PUB);
    expect(records.map(({ type }) => type)).toEqual(['SubBefore', 'SubAfter', 'Pub']);
  });

  test('a trace is found under the id of its message and each of its keys', () => {
    expect(traceKeys(pub)).toEqual([pub.msgId, 'tracekey']);
    expect(traceKeys({ ...pub, keys: 'a  b ' })).toEqual([pub.msgId, 'a', 'b']);
    expect(traceKeys({ ...pub, keys: undefined })).toEqual([pub.msgId]);
  });
});

describe('forms of other versions', () => {
  const fields = JAVA_PUB.slice(0, -1).split('\u0001');

  test('a Pub of 13 fields has no offsetMsgId, one of 15 has the host of its client', () => {
    const short = fields.toSpliced(12, 1).join('\u0001');
    expect(decodeTraces(short).records).toEqual([{ ...pub, offsetMsgId: undefined }]);
    const long = [...fields, '10.0.0.9'].join('\u0001');
    expect(decodeTraces(long).records).toEqual([{ ...pub, clientHost: '10.0.0.9' }]);
  });

  test('SubAfter for CLOUD has neither time nor group, with an end (5.x) and without (4.9)', () => {
    const cloud = encodeTraceRecord(subAfter, 'CLOUD');
    expect(cloud).toBe(
      `SubAfter\u0001${requestId}\u0001${pub.msgId}\u00010\u0001true\u0001tracekey\u00010\u0001\u0002`,
    );
    const bare = { ...subAfter, timestamp: undefined, group: undefined };
    expect(decodeTraces(cloud + JAVA_PUB).records).toEqual([bare, pub]);
    const runOn = cloud.slice(0, -1);
    expect(decodeTraces(runOn + runOn + JAVA_PUB)).toEqual({ records: [bare, bare, pub], unreadable: [] });
  });

  test('a SubAfter of old has no return type', () => {
    const old = `SubAfter\u0001${requestId}\u0001${pub.msgId}\u00013\u0001false\u0001null\u0002`;
    expect(decodeTraces(old).records).toMatchObject([
      { costMs: 3, success: false, keys: undefined, returnType: undefined },
    ]);
  });

  test('what is unknown is left out, what cannot be read is told, and neither harms its neighbours', () => {
    const broken = JAVA_PUB.replace('1795315527033', 'soon');
    const decoded = decodeTraces(`Tomorrow\u00011\u0002${broken}${JAVA_PUB}Pub\u00011\u0002`);
    expect(decoded.records).toEqual([pub]);
    expect(decoded.unreadable).toEqual([broken.slice(0, -1), 'Pub\u00011']);
  });

  test('nothing is no record', () => {
    expect(decodeTraces('')).toEqual({ records: [], unreadable: [] });
  });
});

test('what is written is read again, whatever it is', () => {
  const text = fc.stringMatching(/^[ -~\u00a0-\ud7ff]{1,20}$/).filter((value) => value !== 'null');
  const maybe = fc.option(text, { nil: undefined });
  const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
  const cost = fc.integer({ min: 0, max: 2_147_483_647 });
  const facts = { msgId: text, keys: maybe, timestamp: time, regionId: maybe, group: text };
  const record: fc.Arbitrary<TraceRecord> = fc.oneof(
    fc.record({
      ...facts,
      type: fc.constant('Pub' as const),
      topic: text,
      tag: maybe,
      storeHost: maybe,
      bodyLengthBytes: cost,
      costMs: cost,
      messageType: fc.constantFrom(...TRACED_MESSAGE_TYPES),
      offsetMsgId: maybe,
      success: fc.boolean(),
      clientHost: fc.constant(undefined),
    }),
    fc.record({
      ...facts,
      type: fc.constant('SubBefore' as const),
      requestId: text,
      retryTimes: cost,
      topic: fc.constant(undefined),
    }),
    fc.record({
      ...facts,
      type: fc.constant('SubAfter' as const),
      requestId: text,
      costMs: cost,
      success: fc.boolean(),
      returnType: fc.constantFrom(...CONSUME_RETURN_TYPES),
      topic: fc.constant(undefined),
      regionId: fc.constant(undefined),
    }),
    fc.record({
      ...facts,
      type: fc.constant('EndTransaction' as const),
      topic: text,
      tag: maybe,
      storeHost: maybe,
      transactionId: maybe,
      transactionState: fc.constantFrom('commit' as const, 'rollback' as const, 'unknown' as const),
      fromTransactionCheck: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(record, { maxLength: 8 }), (records) => {
      const body = records.map((one) => encodeTraceRecord(one)).join('');
      expect(decodeTraces(body)).toEqual({ records, unreadable: [] });
    }),
    { numRuns: 200 },
  );
});

test('traces are not traced: neither those of the topic nor those of a region', () => {
  expect(isTraceTopic('RMQ_SYS_TRACE_TOPIC', 'RMQ_SYS_TRACE_TOPIC')).toBe(true);
  expect(isTraceTopic('rmq_sys_TRACE_DATA_cn-hangzhou', 'RMQ_SYS_TRACE_TOPIC')).toBe(true);
  expect(isTraceTopic('orders', 'RMQ_SYS_TRACE_TOPIC')).toBe(false);
});
