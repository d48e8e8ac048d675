import { expect, test } from 'vitest';
import { decodeTraces, encodeTraceRecord, type RecallRecord, type TraceRecord } from '../../../core/index.js';
import { packTraces } from '../../../plugins/tracing/pack-traces.js';

const record = (msgId: string, change: Partial<RecallRecord> = {}): TraceRecord => ({
  type: 'Recall',
  timestamp: 1,
  regionId: 'north',
  group: 'g',
  topic: 'orders',
  msgId,
  keys: undefined,
  success: true,
  ...change,
});
const ids = (messages: ReturnType<typeof packTraces>): string[][] =>
  messages.map(({ body }) => decodeTraces(body).records.map(({ msgId }) => msgId));
const WIDE = { sizeBytesMax: 100_000, keysBytesMax: 30_000 };

test('records go together, in their order, each key once', () => {
  const records = [record('A', { keys: 'k1 k2' }), record('B', { keys: 'k2 k3' }), record('A')];
  const [message, ...others] = packTraces(records, () => 'traces', 'LOCAL', WIDE);
  expect(others).toEqual([]);
  expect(message).toEqual({
    topic: 'traces',
    body: records.map((one) => encodeTraceRecord(one)).join(''),
    keys: ['A', 'k1', 'k2', 'B', 'k3'],
    records: 3,
  });
});

test('each topic has messages of its own', () => {
  const records = [record('A'), record('B', { regionId: 'south' }), record('C')];
  const packed = packTraces(records, ({ regionId }) => `traces_${regionId}`, 'LOCAL', WIDE);
  expect(packed.map(({ topic }) => topic)).toEqual(['traces_north', 'traces_south']);
  expect(ids(packed)).toEqual([['A', 'C'], ['B']]);
});

test('no message is larger than its limits, in bytes and not in characters', () => {
  const sizeBytes = Buffer.byteLength(encodeTraceRecord(record('ä')));
  const records = ['ä', 'ö', 'ü', 'ß', 'é'].map((msgId) => record(msgId));
  const packed = packTraces(records, () => 'traces', 'LOCAL', { sizeBytesMax: sizeBytes * 2, keysBytesMax: 100 });
  expect(ids(packed)).toEqual([['ä', 'ö'], ['ü', 'ß'], ['é']]);
  const byKeys = packTraces(records, () => 'traces', 'LOCAL', { sizeBytesMax: 100_000, keysBytesMax: 9 });
  expect(ids(byKeys)).toEqual([
    ['ä', 'ö', 'ü'],
    ['ß', 'é'],
  ]);
});

test('what alone is larger than the limits goes alone, and of too many keys the first stay', () => {
  const packed = packTraces([record('A'), record('long'.repeat(50)), record('B')], () => 'traces', 'LOCAL', {
    sizeBytesMax: 60,
    keysBytesMax: 1_000,
  });
  expect(ids(packed)).toEqual([['A'], ['long'.repeat(50)], ['B']]);
  const [message] = packTraces([record('A', { keys: 'k1 k2 k3' })], () => 'traces', 'LOCAL', {
    sizeBytesMax: 1_000,
    keysBytesMax: 8,
  });
  expect(message?.keys).toEqual(['A', 'k1', 'k2']);
  expect(message?.body).toBe(encodeTraceRecord(record('A', { keys: 'k1 k2 k3' })));
});
