import { describe, expect, test } from 'vitest';
import { describeTrace } from '../../core/admin/describe-trace.js';
import { type FoundTrace, messageTrace } from '../../core/admin/message-trace.js';
import type {
  EndTransactionRecord,
  PubRecord,
  SubAfterRecord,
  SubBeforeRecord,
  TraceRecord,
} from '../../core/message/trace/trace-record.js';

const START = Date.UTC(2026, 0, 1, 12);
const facts = { msgId: 'ID', keys: '42 ada', regionId: 'north', topic: 'orders' };
const pub = (change: Partial<PubRecord> = {}): PubRecord => ({
  ...facts,
  type: 'Pub',
  timestamp: START,
  group: 'shop',
  tag: 'created',
  storeHost: '10.0.0.9:10911',
  bodyLengthBytes: 6,
  costMs: 3,
  messageType: 'Normal_Msg',
  offsetMsgId: 'OFFSET',
  success: true,
  clientHost: undefined,
  ...change,
});
const subBefore = (requestId: string, timestamp: number, change: Partial<SubBeforeRecord> = {}): SubBeforeRecord => ({
  ...facts,
  type: 'SubBefore',
  timestamp,
  group: 'billing',
  requestId,
  retryTimes: 0,
  ...change,
});
const subAfter = (requestId: string, change: Partial<SubAfterRecord> = {}): SubAfterRecord => ({
  ...facts,
  type: 'SubAfter',
  timestamp: START + 99,
  group: 'billing',
  requestId,
  costMs: 5,
  success: true,
  returnType: 'SUCCESS',
  ...change,
});
const ending: EndTransactionRecord = {
  ...facts,
  type: 'EndTransaction',
  timestamp: START + 7,
  group: 'shop',
  tag: undefined,
  storeHost: undefined,
  transactionId: 'ID',
  transactionState: 'commit',
  fromTransactionCheck: true,
};
const found = (...records: TraceRecord[]): FoundTrace[] =>
  records.map((record) => ({ record, clientHost: record.type.startsWith('Sub') ? '10.0.0.7:1' : '10.0.0.5:1' }));

describe('records of a message', () => {
  test('make a tree, whatever their order', () => {
    const failed = { success: false, returnType: 'EXCEPTION' } as const;
    const records = [
      subAfter('R2'),
      subBefore('R3', START + 20, { group: 'audit' }),
      subBefore('R2', START + 1_030, { retryTimes: 1 }),
      subAfter('R1', failed),
      pub({ timestamp: START + 5_000, success: false }),
      ending,
      subBefore('R1', START + 12),
      pub(),
    ];
    const trace = messageTrace('ID', found(...records));
    expect(trace).toMatchObject({ msgId: 'ID', keys: '42 ada', recalls: [] });
    expect(trace.sends.map(({ timestamp, success }) => [timestamp - START, success])).toEqual([
      [0, true],
      [5_000, false],
    ]);
    expect(trace.sends[0]).toMatchObject({ group: 'shop', topic: 'orders', clientHost: '10.0.0.5:1', costMs: 3 });
    expect(trace.transactionEnds).toMatchObject([{ transactionState: 'commit', fromTransactionCheck: true }]);
    expect(trace.groups).toEqual([
      {
        group: 'billing',
        deliveries: [
          {
            requestId: 'R1',
            clientHost: '10.0.0.7:1',
            startTimestamp: START + 12,
            retryTimes: 0,
            end: { timestamp: START + 99, costMs: 5, ...failed },
          },
          expect.objectContaining({ requestId: 'R2', startTimestamp: START + 1_030, retryTimes: 1 }),
        ],
      },
      { group: 'audit', deliveries: [expect.objectContaining({ requestId: 'R3', end: undefined })] },
    ]);
  });

  test('of a SubAfter that names no group take it from their SubBefore, and stand alone without one', () => {
    const cloud = { group: undefined, timestamp: undefined };
    const trace = messageTrace('ID', found(subAfter('R1', cloud), subBefore('R1', START), subAfter('R9', cloud)));
    expect(trace.groups).toMatchObject([
      { group: 'billing', deliveries: [{ startTimestamp: START, end: { timestamp: undefined } }] },
      { group: undefined, deliveries: [{ startTimestamp: undefined, retryTimes: undefined }] },
    ]);
  });

  test('that nobody left make an empty tree', () => {
    const trace = messageTrace('ID', []);
    expect(trace).toEqual({ msgId: 'ID', keys: undefined, sends: [], transactionEnds: [], recalls: [], groups: [] });
    expect(describeTrace(trace)).toBe('ID\n└─ no traces');
  });
});

test('a trace is shown as a tree with the time since the first send', () => {
  const failed = { success: false, returnType: 'EXCEPTION' } as const;
  const trace = messageTrace(
    'ID',
    found(
      pub({ messageType: 'Trans_Msg_Half' }),
      ending,
      { ...facts, type: 'Recall', timestamp: START + 9, group: 'shop', success: false },
      subBefore('R1', START + 12),
      subAfter('R1', failed),
      subBefore('R2', START + 1_030, { retryTimes: 1 }),
      subAfter('R2'),
      subBefore('R3', START - 2, { group: 'audit' }),
      subAfter('R9', { group: undefined, timestamp: undefined, returnType: undefined }),
    ),
  );
  expect(describeTrace(trace)).toBe(
    [
      'ID of orders, keys 42 ada, 2026-01-01T12:00:00.000Z',
      '├─ +0 ms sent by shop at 10.0.0.5:1 to 10.0.0.9:10911: stored after 3 ms, 6 bytes, Trans_Msg_Half',
      '├─ +7 ms commit by shop at 10.0.0.5:1, as the broker asked',
      '├─ +9 ms called back by shop at 10.0.0.5:1, in vain',
      '├─ audit',
      '│  └─ -2 ms at 10.0.0.7:1: not ended',
      '├─ billing',
      '│  ├─ +12 ms at 10.0.0.7:1: EXCEPTION after 5 ms',
      '│  └─ +1,030 ms at 10.0.0.7:1, retry 1: SUCCESS after 5 ms',
      '└─ a group that is not named',
      '   └─ ? at 10.0.0.7:1: SUCCESS after 5 ms',
    ].join('\n'),
  );
});

test('where the send was not traced time counts from the first that is known', () => {
  const ended = messageTrace('ID', found(subAfter('R1', { timestamp: START + 40 }), ending));
  expect(describeTrace(ended)).toBe(
    [
      'ID of orders, keys 42 ada, 2026-01-01T12:00:00.007Z',
      '├─ +0 ms commit by shop at 10.0.0.5:1, as the broker asked',
      '└─ billing',
      '   └─ +33 ms at 10.0.0.7:1: SUCCESS after 5 ms',
    ].join('\n'),
  );
  const timeless = messageTrace('ID', found(subAfter('R9', { group: undefined, timestamp: undefined })));
  expect(describeTrace(timeless)).toBe(
    ['ID, keys 42 ada', '└─ a group that is not named', '   └─ ? at 10.0.0.7:1: SUCCESS after 5 ms'].join('\n'),
  );
});
