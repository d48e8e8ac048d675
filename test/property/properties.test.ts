import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRocketMQError } from '../../core/errors/rocketmq-error.js';
import { decodeProperties, encodeProperties, findProperty, formatProperties } from '../../core/message/properties.js';
import { inheritsNothing } from '../kit/inherits-nothing.js';
import { anyText, illegalText, legalText, RUNS, tableOf } from './arbitraries.js';

const entries = (table: object) => Object.entries(table).sort(([first], [second]) => (first < second ? -1 : 1));

test('any legal properties read as what was written, with either ending', () => {
  const property = fc.property(tableOf(legalText, legalText, 12), (properties) => {
    const encoded = encodeProperties(properties);
    expect(entries(decodeProperties(encoded))).toEqual(entries(properties));
    const as5x = Buffer.concat([encoded, Buffer.from([2])]);
    expect(entries(decodeProperties(as5x))).toEqual(entries(properties));
    expect(inheritsNothing(decodeProperties(encoded))).toBe(true);
    for (const [name, value] of entries(properties)) expect(findProperty(encoded.toString(), name)).toBe(value);
  });
  fc.assert(property, RUNS);
});

test('a separator, a lone surrogate or nothing at all in a name or value is refused by name', () => {
  const property = fc.property(
    tableOf(legalText, legalText, 3),
    legalText,
    illegalText,
    fc.boolean(),
    (rest, legal, illegal, inName) => {
      const properties = Object.assign(Object.create(null), rest, {
        [inName ? illegal : legal]: inName ? legal : illegal,
      });
      try {
        formatProperties(properties);
        expect.unreachable('it was written');
      } catch (error) {
        expect(isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL')).toBe(true);
        if (!isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL')) return;
        expect(error.field).toBe(inName ? 'properties' : `properties.${legal}`);
      }
    },
  );
  fc.assert(property, RUNS);
});

test('any text at all reads as some properties, each found alone as it is found among all', () => {
  const property = fc.property(anyText, anyText, (text, name) => {
    const properties = decodeProperties(text);
    for (const [key, value] of Object.entries(properties)) {
      expect(key).not.toBe('');
      expect(value).not.toBe('');
      expect(findProperty(text, key)).toBe(value);
    }
    if (name !== '' && !name.includes('\u0001') && !name.includes('\u0002')) {
      expect(findProperty(text, name)).toBe(properties[name]);
    }
  });
  fc.assert(property, { numRuns: 3000 });
});

test('every length from one byte to the limit is written, and one more is refused', () => {
  for (const unit of ['a', 'é', '漢', '😀']) {
    const width = Buffer.byteLength(unit);
    const max = Math.floor((32_767 - 2) / width);
    for (const count of [1, 2, 3, 126, 127, 128, 129, 255, 256, 4095, 4096, max - 1, max]) {
      const properties = { k: unit.repeat(count) };
      expect(decodeProperties(encodeProperties(properties))).toEqual(properties);
    }
    expect(() => encodeProperties({ k: unit.repeat(max + 1) })).toThrow(/at most 32767/);
  }
});
