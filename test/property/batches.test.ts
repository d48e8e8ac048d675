import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchItemSize, decodeBatchBody, encodeBatchBody } from '../../core/message/batch-body.js';
import { validateBatch } from '../../core/message/batch-rules.js';
import type { OutgoingMessage } from '../../core/message/message.js';
import { batchItemOf } from '../../core/message/outgoing-batch.js';
import { decodeProperties } from '../../core/message/properties.js';
import { fitsInBatch, splitIntoBatches } from '../../core/message/split-batch.js';
import { legalText } from './arbitraries.js';

const notBlank = legalText.filter((text) => text.trim() !== '');

/** Messages that are legal together, some of them larger than a batch may be. */
const messages: fc.Arbitrary<OutgoingMessage[]> = fc
  .record({
    topic: fc.constant('orders'),
    waitStored: fc.boolean(),
    list: fc.array(
      fc.record(
        {
          body: fc.oneof(
            fc.uint8Array({ minLength: 1, maxLength: 400 }),
            fc.string({ unit: 'grapheme', minLength: 1 }),
          ),
          flag: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
          tag: notBlank,
          properties: fc.dictionary(
            legalText.map((name) => `x${name}`),
            notBlank,
            { maxKeys: 3 },
          ),
        },
        { requiredKeys: ['body'] },
      ),
      { minLength: 1, maxLength: 40 },
    ),
  })
  .map(({ topic, waitStored, list }) => list.map((message) => ({ topic, waitStored, ...message })));

const sizes = fc.integer({ min: 60, max: 2_000 });

test('any legal messages are cut into parts that together are the messages, in order', () => {
  fc.assert(
    fc.property(messages, sizes, (all, sizeBytesMax) => {
      validateBatch(all, 4_194_304);
      const items = all.map((message, index) => batchItemOf(message, `ID${index}`, undefined));
      const runs = splitIntoBatches(items, sizeBytesMax);
      expect(runs.flatMap(({ start, end }) => items.slice(start, end))).toEqual(items);
      for (const [index, { start, end, alone }] of runs.entries()) {
        const body = encodeBatchBody(items.slice(start, end));
        if (alone) {
          expect([end - start, fitsInBatch(items[start]!, sizeBytesMax)]).toEqual([1, false]);
          continue;
        }
        expect(body.length).toBeLessThanOrEqual(sizeBytesMax);
        // No part is shorter than it has to be.
        const next = runs[index + 1];
        if (next !== undefined && !next.alone) {
          expect(body.length + batchItemSize(items[next.start]!)).toBeGreaterThan(sizeBytesMax);
        }
        const decoded = decodeBatchBody(body);
        for (const [offset, item] of decoded.entries()) {
          const message = all[start + offset]!;
          expect(item.flag).toBe(message.flag ?? 0);
          expect(item.body.equals(Buffer.from(message.body as string))).toBe(true);
          const { UNIQ_KEY, WAIT, TAGS, ...own } = decodeProperties(item.properties);
          expect([UNIQ_KEY, WAIT, TAGS]).toEqual([`ID${start + offset}`, String(message.waitStored), message.tag]);
          expect(own).toEqual({ ...message.properties });
        }
      }
    }),
  );
});
