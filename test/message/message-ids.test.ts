import { expect, test } from 'vitest';
import {
  createUniqueIdGenerator,
  formatOffsetMsgId,
  parseOffsetMsgId,
  type UniqueIdOrigin,
  uniqueIdTime,
} from '../../core/message/message-ids.js';
import { OffsetMsgIds, offsetMsgIdOf } from '../../core/message/offset-msg-ids.js';
import type { Clock } from '../../core/runtime/clock.js';

/** A wall clock that stands where it is put. */
function clockAt(start: number): Clock & { set(now: number): void } {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now,
    setTimer: () => ({ cancel() {} }),
    set(value) {
      now = value;
    },
  };
}

function origin(ip = [10, 0, 0, 1], start = 0): UniqueIdOrigin {
  let counter = start;
  return { ip: Uint8Array.from(ip), pid: 0x3_0d9a, loaderHash: 0x18b4aac2, nextCounter: () => counter++ & 0xffff };
}

test('an id is address, process, copy, time of the month and counter in hexadecimal', () => {
  const start = new Date(2026, 10, 1).getTime();
  const ids = createUniqueIdGenerator(clockAt(start + 0x12345678), origin());
  expect(ids.next()).toBe('0A0000010D9A18B4AAC2123456780000');
  expect(ids.next()).toBe('0A0000010D9A18B4AAC2123456780001');
});

test('on a host with an IPv6 address an id has 56 digits', () => {
  const ids = createUniqueIdGenerator(clockAt(Date.now()), origin([0xfd, ...new Array(14).fill(0), 1]));
  expect(ids.next()).toMatch(/^FD0{28}01[0-9A-F]{24}$/);
});

test('the time begins anew with each local month, and follows a clock that goes back', () => {
  const clock = clockAt(new Date(2026, 11, 1).getTime() - 1);
  const ids = createUniqueIdGenerator(clock, origin());
  const time = () => Number.parseInt(ids.next().slice(20, 28), 16);
  expect(time()).toBe(30 * 86_400_000 - 1);
  clock.set(new Date(2026, 11, 1).getTime());
  expect(time()).toBe(0);
  clock.set(new Date(2027, 0, 1).getTime() + 5);
  expect(time()).toBe(5);
  clock.set(new Date(2026, 10, 2).getTime());
  expect(time()).toBe(86_400_000);
});

test('the counter wraps at 16 bits', () => {
  const ids = createUniqueIdGenerator(clockAt(Date.now()), origin([10, 0, 0, 1], 0xfffe));
  expect([ids.next(), ids.next(), ids.next()].map((id) => id.slice(-4))).toEqual(['FFFE', 'FFFF', '0000']);
});

test('generators of one process never repeat each other', () => {
  const clock = clockAt(Date.now());
  const generators = [createUniqueIdGenerator(clock), createUniqueIdGenerator(clock), createUniqueIdGenerator(clock)];
  const ids = new Set<string>();
  for (let round = 0; round < 5000; round++) for (const generator of generators) ids.add(generator.next());
  expect(ids.size).toBe(15_000);
  expect([...ids].every((id) => /^([0-9A-F]{32}|[0-9A-F]{56})$/.test(id))).toBe(true);
});

test.each([
  '',
  'x'.repeat(32),
  '0A00000200002A9F00000000000004D',
  '0A00000200002A9F00000000000004D2FF',
  'a'.repeat(55),
])('no offsetMsgId: %j', (id) => {
  expect(() => parseOffsetMsgId(id)).toThrow(
    expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'offsetMsgId' }),
  );
});

test('an offsetMsgId of an IPv6 broker, in small letters too', () => {
  const id = '20010DB800000000000000000000000100002A9F00000000000004D2';
  expect(parseOffsetMsgId(id)).toEqual({ host: '[2001:db8::1]:10911', offset: 1234 });
  expect(parseOffsetMsgId(id.toLowerCase())).toEqual(parseOffsetMsgId(id));
});

test('offset ids made one after another are those that are made one by one', () => {
  for (const host of ['10.1.2.3:10911', '[2001:db8::1]:10911']) {
    const ids = new OffsetMsgIds(host);
    for (const offset of [0, 1, 255, 256, 0xfffff, 0x100000, 5, 2 ** 40 - 1, 2 ** 40, 2 ** 53 - 1, 2 ** 31, 2 ** 32]) {
      expect(ids.idAt(offset)).toBe(formatOffsetMsgId(host, offset));
    }
  }
});

test('a producer’s id tells when it was made, also across the end of a month', () => {
  const made = new Date(2026, 0, 31, 23, 59, 58, 500).getTime();
  const generator = createUniqueIdGenerator(clockAt(made));
  const id = generator.next();
  expect(uniqueIdTime(id, made)).toBe(made);
  expect(uniqueIdTime(id, made + 60_000)).toBe(made);
  expect(uniqueIdTime(`${'00'.repeat(12)}${id}`, made + 60_000)).toBe(made);
  for (const other of ['', 'some key', id.slice(1)]) expect(uniqueIdTime(other, made)).toBeUndefined();
});

test('of many brokers at once each message has the id of its own', () => {
  for (let round = 0; round < 3; round++) {
    for (let number = 0; number < 100; number++) {
      const host = `10.0.0.${number}:${10_911 + (number % 3)}`;
      for (const offset of [-1, number, 2 ** 20 * number + round, 2 ** 52]) {
        expect(offsetMsgIdOf(host, offset)).toBe(formatOffsetMsgId(host, offset));
      }
    }
  }
});
