import { expect, onTestFinished, test } from 'vitest';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { silentLogger } from '../../../core/runtime/logger.js';
import { BrokerStats } from '../../../core/server/broker/stats/broker-stats.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { DelayBroker, TOPIC } from '../delay/delay-broker.js';
import { FakeStore } from '../kit/fake-store.js';

const HOUR_MS = 3_600_000;

async function setup() {
  const clock = virtualClock();
  const store = new FakeStore();
  const stats = new BrokerStats(store, clock, silentLogger);
  await stats.load();
  stats.start();
  onTestFinished(() => stats.close());
  const put = (topic: string) => stats.find('TOPIC_PUT_NUMS', topic);
  return { clock, store, stats, put };
}

test('messages a second of a group are those of the last minute', async () => {
  const { clock, stats } = await setup();
  stats.got('T', 'G', 300);
  expect(stats.rate('T', 'G')).toBe(0);
  await clock.advance(60_000);
  expect(stats.rate('T', 'G')).toBe(5);
  await clock.advance(10_000);
  expect(stats.rate('T', 'G')).toBe(0);
  expect(stats.rate('T', 'other')).toBe(0);
});

test('what comes into a topic is counted by minute, hour and day, and forgotten after a day without', async () => {
  const { clock, store, put } = await setup();
  for (let count = 0; count < 12; count++) store.arrive('T', 0, count, 0);
  await clock.advance(10_000);
  expect(put('T')?.snapshot('minute')).toEqual({ sum: 12, tps: 1.2, avgpt: 1 });
  expect(put('T')?.snapshot('hour')).toEqual({ sum: 0, tps: 0, avgpt: 0 });
  await clock.advance(HOUR_MS - 10_000);
  expect(put('T')?.snapshot('minute').sum).toBe(0);
  expect(put('T')?.snapshot('hour').sum).toBe(12);
  expect(put('T')?.snapshot('day')).toEqual({ sum: 12, tps: 12 / 3_600, avgpt: 1 });
  store.arrive('T', 0, 12, 0);
  await clock.advance(23 * HOUR_MS);
  expect(put('T')?.snapshot('day').sum).toBe(13);
  await clock.advance(3 * HOUR_MS);
  expect(put('T')).toBeUndefined();
});

test('VIEW_BROKER_STATS_DATA tells it, until the topic is deleted', async () => {
  const broker = await DelayBroker.open();
  onTestFinished(() => broker.close());
  await broker.send('a');
  await broker.clock.advance(10_000);
  const asked = { statsName: 'TOPIC_PUT_NUMS', statsKey: TOPIC };
  const { code, body } = await broker.ask(RequestCode.VIEW_BROKER_STATS_DATA, asked);
  expect(code).toBe(0);
  const none = { sum: 0, tps: 0, avgpt: 0 };
  expect(JSON.parse(String(body))).toEqual({
    statsMinute: { sum: 1, tps: 0.1, avgpt: 1 },
    statsHour: none,
    statsDay: none,
  });
  const remark = `The stats <TOPIC_PUT_NUMS> <${TOPIC}> not exist`;
  await broker.ask(RequestCode.DELETE_TOPIC_IN_BROKER, { topic: TOPIC });
  expect(await broker.ask(RequestCode.VIEW_BROKER_STATS_DATA, asked)).toMatchObject({ code: 1, remark });
});
