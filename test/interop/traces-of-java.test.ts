import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { type AccessChannel, encodeTraceRecord, type TraceRecord, traceKeys } from '../../core/index.js';
import { CONSUME_RETURN_TYPES, TRACED_MESSAGE_TYPES } from '../../core/message/trace/trace-record.js';
import type { ApacheVersion } from './kit/jars.js';
import { traces } from './kit/java.js';
import { describeOutcome } from './kit/processes.js';

const word = fc.stringMatching(/^[a-zA-Z0-9_%|-]{1,20}$/);
const text = fc.stringMatching(/^[ -~\u00a0-\ud7ff]{1,20}$/);
const maybe = (given: fc.Arbitrary<string>) => fc.option(given, { nil: undefined });
const milliseconds = fc.integer({ min: 0, max: 2_147_483_647 });
const facts = {
  msgId: word,
  keys: maybe(fc.array(word, { minLength: 1, maxLength: 4 }).map((keys) => keys.join(' '))),
  timestamp: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  regionId: maybe(word),
  group: word,
};
const ended = { topic: word, tag: maybe(text), storeHost: maybe(text) };
const nothing = fc.constant(undefined);
const record: fc.Arbitrary<TraceRecord> = fc.oneof(
  fc.record({
    ...facts,
    ...ended,
    type: fc.constant('Pub' as const),
    bodyLengthBytes: milliseconds,
    costMs: milliseconds,
    messageType: fc.constantFrom(...TRACED_MESSAGE_TYPES),
    offsetMsgId: maybe(word),
    success: fc.boolean(),
    clientHost: nothing,
  }),
  fc.record({
    ...facts,
    type: fc.constant('SubBefore' as const),
    requestId: word,
    retryTimes: fc.nat(),
    topic: nothing,
  }),
  fc.record({
    ...facts,
    type: fc.constant('SubAfter' as const),
    requestId: word,
    costMs: milliseconds,
    success: fc.boolean(),
    returnType: fc.constantFrom(...CONSUME_RETURN_TYPES),
    topic: nothing,
    regionId: nothing,
  }),
  fc.record({
    ...facts,
    ...ended,
    type: fc.constant('EndTransaction' as const),
    transactionId: maybe(word),
    transactionState: fc.constantFrom('commit' as const, 'rollback' as const, 'unknown' as const),
    fromTransactionCheck: fc.boolean(),
  }),
);

const hex = (value: string): string => Buffer.from(value).toString('hex');

/** Java adds the text `null`, by which it writes keys that are not there, to the keys of what it has read. */
const keysOf = (records: readonly TraceRecord[]): string =>
  [...new Set(records.flatMap((one) => [...traceKeys(one), ...(one.keys === undefined ? ['null'] : [])]))]
    .sort()
    .join(',');

test.each<ApacheVersion>(['4.9.7', '5.5.0'])(
  'what we write of messages, the Java client beside %s reads and writes as the very same bytes under the same keys',
  async (version) => {
    const written = fc.sample(fc.array(record, { minLength: 1, maxLength: 6 }), { numRuns: 200, seed: 20_261_122 });
    // Order_Msg is younger than 4.9, whose decoder fails at it.
    const known = (one: TraceRecord) =>
      version === '5.5.0' || one.type !== 'Pub' || one.messageType !== 'Order_Msg'
        ? one
        : { ...one, messageType: undefined };
    const bodies = written.map((records) => records.map(known));
    const channels: readonly AccessChannel[] = ['LOCAL', 'CLOUD'];
    const cases = bodies.flatMap((records) => {
      // A 4.9 client ends no SubAfter for CLOUD, which nobody can read again but where nothing follows.
      const readable = version === '5.5.0' ? channels : channels.slice(0, 1);
      return readable.map((channel) => {
        const body = records.map((one) => encodeTraceRecord(one, channel)).join('');
        return { line: `${channel} ${hex(body)}`, expected: `${hex(body)} ${hex(keysOf(records))}` };
      });
    });
    const input = `${cases.map(({ line }) => line).join('\n')}\n`;
    const outcome = await traces(inject('java'), version, input);
    expect(outcome.exitCode, describeOutcome('Traces', outcome)).toBe(0);
    const answers = outcome.stdout.trimEnd().split('\n');
    expect(answers).toHaveLength(cases.length);
    for (const [at, { line, expected }] of cases.entries()) expect(answers[at], line).toBe(expected);
  },
);
