import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { DELAY_LEVELS, delayLevelOf, delayProperties, durationMs, timerField } from '../../core/message/delay.js';
import type { OutgoingMessage } from '../../core/message/message.js';
import { validateMessage } from '../../core/message/message-rules.js';

const BROKER_4_9_7 = { version: 407, hasTimers: false };
const BROKER_5_0_0 = { version: 413, hasTimers: true };
/** Calls itself 4.9.7 and says that it can. */
const OURS = { version: 407, hasTimers: true };
const UNKNOWN = { version: undefined, hasTimers: undefined };
const message = (fields: object): OutgoingMessage => ({ topic: 'T', body: 'x', ...fields });

describe('delay levels', () => {
  test.each([
    [1, '1s', 1_000],
    [2, '5s', 5_000],
    [3, '10s', 10_000],
    [4, '30s', 30_000],
    [5, '1m', 60_000],
    [6, '2m', 120_000],
    [7, '3m', 180_000],
    [8, '4m', 240_000],
    [9, '5m', 300_000],
    [10, '6m', 360_000],
    [11, '7m', 420_000],
    [12, '8m', 480_000],
    [13, '9m', 540_000],
    [14, '10m', 600_000],
    [15, '20m', 1_200_000],
    [16, '30m', 1_800_000],
    [17, '1h', 3_600_000],
    [18, '2h', 7_200_000],
  ])('level %i is %s', (level, delay, milliseconds) => {
    expect(DELAY_LEVELS[level - 1]).toBe(delay);
    expect(durationMs(delay)).toBe(milliseconds);
    expect(delayLevelOf(milliseconds)).toBe(level);
    for (const broker of [UNKNOWN, BROKER_4_9_7, BROKER_5_0_0, OURS]) {
      expect(delayProperties(message({ delay }), broker)).toEqual({ DELAY: String(level) });
    }
  });

  test('there are no others', () => {
    expect(DELAY_LEVELS).toHaveLength(18);
  });

  test.each([
    ['1000ms', '1'],
    ['60s', '5'],
    ['120m', '18'],
  ])('%s is a level too, however it is written', (delay, level) => {
    expect(delayProperties(message({ delay }), BROKER_4_9_7)).toEqual({ DELAY: level });
  });

  test('a number goes to the broker as it is; 0 is none', () => {
    expect(delayProperties(message({ delayLevel: 3 }), UNKNOWN)).toEqual({ DELAY: '3' });
    expect(delayProperties(message({ delayLevel: 25 }), UNKNOWN)).toEqual({ DELAY: '25' });
    expect(delayProperties(message({ delayLevel: 0 }), UNKNOWN)).toBeUndefined();
    expect(delayProperties(message({}), UNKNOWN)).toBeUndefined();
  });
});

describe('timers', () => {
  test('a broker with timers counts any duration itself and is told an instant', () => {
    expect(delayProperties(message({ delay: '90s' }), BROKER_5_0_0)).toEqual({ TIMER_DELAY_MS: '90000' });
    expect(delayProperties(message({ delay: '3d' }), OURS)).toEqual({ TIMER_DELAY_MS: '259200000' });
    expect(delayProperties(message({ deliverAt: 1_700_000_000_000 }), BROKER_5_0_0)).toEqual({
      TIMER_DELIVER_MS: '1700000000000',
    });
    const instant = new Date('2030-01-01T00:00:00Z');
    expect(delayProperties(message({ deliverAt: instant }), BROKER_5_0_0)).toEqual({
      TIMER_DELIVER_MS: String(instant.getTime()),
    });
  });

  test.each([
    ['delay', '90s'],
    ['deliverAt', 1_700_000_000_000],
  ])('an older broker, or one nobody knows, would deliver at once: %s is refused', (field, value) => {
    for (const broker of [UNKNOWN, BROKER_4_9_7]) {
      expect(() => delayProperties(message({ [field]: value }), broker)).toThrow(
        expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field, topic: 'T', retryable: false }),
      );
    }
  });

  test('what takes a timer', () => {
    expect(timerField(message({ delay: '10s' }))).toBeUndefined();
    expect(timerField(message({ delay: '11s' }))).toBe('delay');
    expect(timerField(message({ deliverAt: 0 }))).toBe('deliverAt');
    expect(timerField(message({ delayLevel: 3 }))).toBeUndefined();
  });
});

describe('refused before anything is sent', () => {
  test.each<[string, object]>([
    ['delay', { delay: '' }],
    ['delay', { delay: '10' }],
    ['delay', { delay: '10 s' }],
    ['delay', { delay: '-1s' }],
    ['delay', { delay: '1.5s' }],
    ['delay', { delay: '0s' }],
    ['delay', { delay: '1w' }],
    ['delay', { delay: '10s ' }],
    ['delay', { delay: '999999999999999d' }],
    ['delay', { delay: 10 }],
    ['delay', { delay: 10n }],
    ['delayLevel', { delayLevel: -1 }],
    ['delayLevel', { delayLevel: 1.5 }],
    ['delayLevel', { delayLevel: '3' }],
    ['delayLevel', { delayLevel: 2 ** 31 }],
    ['deliverAt', { deliverAt: new Date(Number.NaN) }],
    ['deliverAt', { deliverAt: '2030-01-01' }],
    ['deliverAt', { deliverAt: -1 }],
    ['deliverAt', { deliverAt: 0.5 }],
    ['delayLevel', { delay: '10s', delayLevel: 3 }],
    ['deliverAt', { delay: '10s', deliverAt: 1 }],
    ['deliverAt', { delayLevel: 0, deliverAt: 1 }],
  ])('%s: %o', (field, fields) => {
    expect(() => validateMessage(message(fields))).toThrow(
      expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field, topic: 'T' }),
    );
  });

  test('the others are legal, a Date of another realm too', () => {
    const foreign = runInNewContext('new Date(1700000000000)');
    for (const fields of [
      { delay: '1s' },
      { delay: '36h' },
      { delayLevel: 18 },
      { deliverAt: 5 },
      { deliverAt: foreign },
    ]) {
      expect(() => validateMessage(message(fields))).not.toThrow();
    }
    expect(delayProperties(message({ deliverAt: foreign }), BROKER_5_0_0)).toEqual({
      TIMER_DELIVER_MS: '1700000000000',
    });
  });
});
