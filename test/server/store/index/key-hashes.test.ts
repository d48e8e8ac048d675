import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeHost } from '../../../../core/message/host.js';
import { recordSize, writeRecord } from '../../../../core/message/message-record.js';
import { keyHashesOf, readIndexedRecord } from '../../../../core/server/store/index/indexed-record.js';
import { KeyHashes } from '../../../../core/server/store/index/key-hashes.js';

function record(topic: string, properties: string, sysFlag: number): Buffer {
  const host = encodeHost('10.0.0.1:10911');
  const fields = {
    queueId: 1,
    flag: 0,
    queueOffset: 2,
    physicalOffset: 3,
    sysFlag,
    bornTimestamp: 4,
    bornHost: host,
    storeTimestamp: 1_760_000_000_123,
    storeHost: host,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from('body'),
    topic: Buffer.from(topic),
    properties: Buffer.from(properties),
  };
  const bytes = Buffer.alloc(5 + recordSize(fields));
  writeRecord(bytes, 5, fields);
  return bytes;
}

test('what a record is found by is the same read from its bytes as from its text, whatever its properties', () => {
  const value = fc.oneof(fc.constantFrom('', 'k', 'k1 k2', ' a  b ', 'schlüssel', 'a\u0001b'), fc.string());
  const name = fc.constantFrom('UNIQ_KEY', 'KEYS', 'TAGS', 'XKEYS', 'KEYSX', '', 'UNIQ_KEY ');
  const entry = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(name, value).map(([n, v]) => `${n}\u0001${v}`) },
    { weight: 1, arbitrary: fc.string() },
  );
  const topic = fc.constantFrom('orders', 'other', '%RETRY%orders', 'umsätze');
  const reader = new KeyHashes();
  fc.assert(
    fc.property(topic, fc.array(entry, { maxLength: 6 }), fc.constantFrom(0, 0xc, 0x8), (of, entries, sysFlag) => {
      const bytes = record(of, entries.join('\u0002'), sysFlag);
      const expected = readIndexedRecord(bytes, 5)!;
      expect(reader.read(bytes, 5)).toBe(true);
      expect(reader.hashes).toEqual(keyHashesOf(expected));
      expect(reader.storeTimestamp).toBe(expected.storeTimestamp);
    }),
    { numRuns: 2_000 },
  );
});

test('a record whose lengths do not add up is found by nothing', () => {
  const bytes = record('orders', 'UNIQ_KEY\u0001a', 0);
  bytes.writeInt32BE(1 << 30, 5 + 84);
  expect(new KeyHashes().read(bytes, 5)).toBe(false);
});
