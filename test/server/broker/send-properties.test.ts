import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeProperties } from '../../../core/message/properties.js';
import { readSendProperties } from '../../../core/server/broker/send/send-properties.js';

const text = (entries: Readonly<Record<string, string>>): string =>
  Object.entries(entries)
    .map(([name, value]) => `${name}\u0001${value}`)
    .join('\u0002');

describe('the properties of a send', () => {
  test('are stored with CLUSTER and without WAIT, in the order sent, without a separator at the end', () => {
    const sent = text({ KEYS: 'k', WAIT: 'true', TAGS: 'TagA', UNIQ_KEY: 'FD00' });
    expect(readSendProperties(sent, 'C').stored).toBe(
      text({ KEYS: 'k', TAGS: 'TagA', UNIQ_KEY: 'FD00', CLUSTER: 'C' }),
    );
    expect(readSendProperties(`${sent}\u0002`, 'C').stored).toBe(
      text({ KEYS: 'k', TAGS: 'TagA', UNIQ_KEY: 'FD00', CLUSTER: 'C' }),
    );
    expect(readSendProperties(text({ WAIT: 'true' }), 'C').stored).toBe(text({ CLUSTER: 'C' }));
  });

  test.each([undefined, '', '\u0002', '\u0001', 'name', 'name\u0001', '\u0001value\u0002'])(
    'that are none (%j) leave CLUSTER alone',
    (sent) => {
      expect(readSendProperties(sent, 'C')).toEqual({
        stored: text({ CLUSTER: 'C' }),
        tag: undefined,
        waitStored: true,
        transactional: false,
        delay: undefined,
        timed: false,
      });
    },
  );

  test('tell what the broker has to know', () => {
    expect(readSendProperties(text({ TAGS: 'T', WAIT: 'false', DELAY: '3', TRAN_MSG: 'TRUE' }), 'C')).toMatchObject({
      tag: 'T',
      waitStored: false,
      delay: '3',
      transactional: true,
      timed: false,
    });
    for (const name of ['TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_DELIVER_MS']) {
      expect(readSendProperties(text({ [name]: '1' }), 'C').timed, name).toBe(true);
    }
    expect(readSendProperties(text({ TRAN_MSG: 'false', XTAGS: 'no', TAGSX: 'no' }), 'C')).toMatchObject({
      tag: undefined,
      transactional: false,
    });
  });

  test('mean the same as when a map is made of them, whatever comes', () => {
    const name = fc.oneof(
      fc.constantFrom('TAGS', 'WAIT', 'DELAY', 'TRAN_MSG', 'CLUSTER', 'TIMER_DELAY_MS', '__proto__', ''),
      fc.string(),
    );
    const entry = fc
      .tuple(name, fc.oneof(fc.constantFrom('true', 'false', '1', ''), fc.string()))
      .map(([n, v]) => `${n}\u0001${v}`);
    const messy = fc.array(fc.oneof({ weight: 4, arbitrary: entry }, fc.string()), { maxLength: 12 });
    fc.assert(
      fc.property(messy, fc.boolean(), (parts, ended) => {
        const sent = parts.join('\u0002') + (ended ? '\u0002' : '');
        const { WAIT: wait, ...kept } = { ...decodeProperties(sent) };
        const read = readSendProperties(sent, 'C');
        expect({ ...decodeProperties(read.stored) }).toEqual({ ...kept, CLUSTER: 'C' });
        expect(read.stored.endsWith('\u0002')).toBe(false);
        expect(read.tag).toBe(kept.TAGS);
        expect(read.delay).toBe(kept.DELAY);
        expect(read.waitStored).toBe(wait === undefined || wait.toLowerCase() === 'true');
      }),
      { numRuns: 1_000 },
    );
  });
});
