import { expect, onTestFinished, test } from 'vitest';
import { parseRecallHandle } from '../../../core/message/recall-handle.js';
import { tagsCodeOf } from '../../../core/message/tag-hash.js';
import { decodeDelayOffsetTable } from '../../../core/remoting/protocol/delay-offset-table.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { failReads, refuseAppends } from '../../fault/failing-store.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { DelayBroker, type DelayBrokerParts } from './delay-broker.js';

const LEVELS = 'SCHEDULE_TOPIC_XXXX';
const TIMERS = 'rmq_sys_wheel_timer';
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

async function setup(parts: DelayBrokerParts = {}): Promise<DelayBroker> {
  const broker = await DelayBroker.open(parts);
  onTestFinished(() => broker.forget());
  return broker;
}

/** Stopped and started again; `whileDown` happens between. */
async function restarted(
  broker: DelayBroker,
  whileDown: () => void = () => {},
  parts: DelayBrokerParts = {},
): Promise<DelayBroker> {
  await broker.close();
  whileDown();
  return setup({ ...parts, files: broker.files, clock: broker.clock });
}

test('a message of a level is delivered when its delay has passed, and not before', async () => {
  const broker = await setup();
  const answer = await broker.send('later', { DELAY: 2, WAIT: 'true' });
  expect(answer).toMatchObject({ code: 0, ext: { queueId: 1, queueOffset: 0 } });
  expect(answer.ext).not.toHaveProperty('recallHandle');
  await broker.send('now');
  const storedAt = broker.clock.now();
  expect(broker.store.entries(LEVELS, 1, 0, 9).entries).toMatchObject([{ tagsCode: storedAt + 5 * SECOND_MS }]);
  await broker.clock.advance(5 * SECOND_MS - 1);
  expect(await broker.delivered()).toEqual(['now']);
  await broker.clock.advance(1);
  expect(await broker.delivered()).toEqual(['now', 'later']);
  const [, later] = await broker.read();
  expect(later).toMatchObject({ queueId: 1, flag: 7, topic: 'orders' });
  const [, properties] = await broker.properties();
  expect(properties).toMatchObject({
    DELAY: '2',
    REAL_TOPIC: 'orders',
    REAL_QID: '1',
    WAIT: 'true',
    CLUSTER: 'DefaultCluster',
  });
  expect(broker.store.entries('orders', 1, 1, 1).entries).toMatchObject([{ tagsCode: tagsCodeOf('paid') }]);
});

test('levels beyond the last are the last, and an operator may have others', async () => {
  const broker = await setup({
    store: { messageDelayLevel: '2s 1h' },
    settings: { delayLevelsMs: [2_000, 3_600_000] },
  });
  await broker.send('a', { DELAY: 1 });
  await broker.send('b', { DELAY: 18, TIMER_DELAY_SEC: 5 });
  expect(await broker.properties(LEVELS)).toMatchObject([{ DELAY: '1' }, { DELAY: '2' }]);
  expect((await broker.properties(LEVELS))[1]).not.toHaveProperty('TIMER_DELAY_SEC');
  await broker.clock.advance(2 * SECOND_MS);
  expect(await broker.delivered()).toEqual(['a']);
  await broker.clock.advance('1h');
  expect(await broker.delivered()).toEqual(['a', 'b']);
});

test('a timer comes in the second after its own, never early, and says when it went in and out', async () => {
  const broker = await setup({ clock: virtualClock({ nowMs: 1_800_000_000_300 }) });
  const nowMs = broker.clock.now();
  await broker.send('relative', { TIMER_DELAY_MS: 5_400 });
  await broker.send('instant', { TIMER_DELIVER_MS: nowMs + 5_700 });
  await broker.send('seconds', { TIMER_DELAY_SEC: 1, TIMER_DELAY_MS: 99_000 });
  await broker.send('past', { TIMER_DELIVER_MS: nowMs - 1 });
  expect(await broker.delivered()).toEqual(['past']);
  expect(broker.store.entries(TIMERS, 0, 0, 9).entries.map(({ tagsCode }) => tagsCode)).toEqual([
    1_800_000_005_000, 1_800_000_005_000, 1_800_000_001_000,
  ]);
  await broker.clock.advance(1_700);
  expect(await broker.delivered()).toEqual(['past', 'seconds']);
  await broker.clock.advance(3_999);
  expect(await broker.delivered()).toEqual(['past', 'seconds']);
  await broker.clock.advance(1);
  expect(await broker.delivered()).toEqual(['past', 'seconds', 'relative', 'instant']);
  expect((await broker.properties())[3]).toMatchObject({
    TIMER_OUT_MS: '1800000005000',
    TIMER_ENQUEUE_MS: '1800000000300',
    TIMER_DEQUEUE_MS: '1800000006000',
    REAL_TOPIC: 'orders',
  });
});

test('a whole second is one second earlier, as Apache has it, and is delivered when it begins', async () => {
  const broker = await setup({ clock: virtualClock({ nowMs: 1_800_000_000_000 }) });
  await broker.send('x', { TIMER_DELIVER_MS: 1_800_000_003_000 });
  await broker.clock.advance(2_999);
  expect(await broker.delivered()).toEqual([]);
  await broker.clock.advance(1);
  expect(await broker.delivered()).toEqual(['x']);
});

test('timers may be switched off', async () => {
  const broker = await setup({ settings: { timerWheelEnable: false } });
  expect(await broker.send('x', { TIMER_DELAY_MS: 5_000 })).toMatchObject({
    code: 1,
    remark: 'accurate timer message is not enabled, timerWheelEnable is false',
  });
});

test('a timer is taken back until its second, and nobody is told whether there was one', async () => {
  const broker = await setup({ clock: virtualClock({ nowMs: 1_800_000_000_300 }) });
  const answer = await broker.send('never', { TIMER_DELAY_MS: 5_000 });
  await broker.send('stays', { TIMER_DELAY_MS: 5_000 });
  const handle = (answer.ext as Record<string, string>).recallHandle ?? '';
  expect(parseRecallHandle(handle)).toEqual({
    topic: 'orders',
    brokerName: 'broker-a',
    timestamp: '1800000005001',
    messageId: 'never',
  });
  await broker.clock.advance(2_000);
  expect(await broker.recall(handle)).toMatchObject({ code: 0, ext: { msgId: 'never' } });
  const again = await restarted(broker);
  await again.clock.advance(5_000);
  expect(await again.delivered()).toEqual(['stays']);
  expect(await again.recall(handle)).toMatchObject({ code: 604, remark: 'recall failed, timestamp invalid' });
});

test.each([
  ['not a handle', 'orders', 604, 'recall handle is invalid'],
  ['djEgbm90aGVyZSBicm9rZXItYSAxIEE=', 'nothere', 17, 'recall failed, the topic[nothere] not exist'],
  ['djEgb3RoZXIgYnJva2VyLWEgMSBB', 'orders', 604, 'recall failed, topic not match'],
  ['djEgb3JkZXJzIGJyb2tlci1iIDEgQQ==', 'orders', 604, 'recall failed, broker service not available'],
  ['djEgb3JkZXJzIGJyb2tlci1hIHNvb24gQQ==', 'orders', 604, 'recall failed, timestamp invalid'],
])('a recall with %s for %s is refused with %i', async (handle, topic, code, remark) => {
  const broker = await setup();
  await broker.send('x');
  expect(await broker.recall(handle, topic)).toMatchObject({ code, remark });
});

test('recalls may be forbidden', async () => {
  const broker = await setup({ settings: { recallMessageEnable: false } });
  expect(await broker.recall('x')).toMatchObject({ code: 16, remark: 'recall failed, operation is forbidden' });
});

test('what came due while nothing ran is delivered at the start, once', async () => {
  const broker = await setup();
  await broker.send('level', { DELAY: 2 });
  await broker.send('timer', { TIMER_DELAY_SEC: 10 });
  await broker.send('far', { TIMER_DELAY_SEC: 200_000 });
  const again = await restarted(broker, () => broker.clock.setNow(broker.clock.now() + 60_000));
  await again.clock.advance(1);
  expect((await again.delivered()).sort()).toEqual(['level', 'timer']);
  const third = await restarted(again, () => again.clock.setNow(again.clock.now() + 3 * DAY_MS));
  await third.clock.advance(1);
  expect((await third.delivered()).sort()).toEqual(['far', 'level', 'timer']);
});

test('what waits survives a kill before anything was noted, and a start that is stopped at once', async () => {
  const volume = new FaultyVolume();
  const first = await setup({ files: volume });
  await first.send('timer', { TIMER_DELAY_SEC: 10 });
  volume.die();
  await first.forget();
  const clock = virtualClock({ nowMs: first.clock.now() + 3 * DAY_MS });
  const second = await setup({ files: volume.loseProcess(), clock });
  const third = await restarted(second);
  await third.clock.advance(1);
  expect(await third.delivered()).toEqual(['timer']);
});

test('a disk that takes nothing for a while holds them up, and loses and doubles none', async () => {
  const broker = await setup();
  for (const id of ['a', 'b', 'c']) await broker.send(id, { DELAY: 1 });
  for (const id of ['d', 'e']) await broker.send(id, { TIMER_DELAY_SEC: 2 });
  refuseAppends(broker.store, 7);
  await broker.clock.advance('20s');
  expect((await broker.delivered()).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test.each(['entries', 'visit'] as const)('a disk that cannot be read for a while (%s) does the same', async (what) => {
  const broker = await setup();
  for (const id of ['a', 'b', 'c']) await broker.send(id, { DELAY: 1 });
  await broker.send('d', { TIMER_DELAY_SEC: 2 });
  const recalled = await broker.send('e', { TIMER_DELAY_SEC: 2 });
  await broker.recall(String((recalled.ext as Record<string, unknown>).recallHandle));
  await broker.clock.advance('900ms');
  failReads(broker.store, what, 4);
  await broker.clock.advance('5s');
  failReads(broker.store, what, 4);
  await broker.clock.advance('10s');
  expect((await broker.delivered()).sort()).toEqual(['a', 'b', 'c', 'd']);
  failReads(broker.store, 'entries', Number.POSITIVE_INFINITY);
  await broker.close();
});

test('while the store says that it takes nothing, nothing is read that is due', async () => {
  const broker = await setup();
  for (let index = 0; index < 20; index++) await broker.send(`m${index}`, { DELAY: 1 });
  let refusal: string | undefined = 'the disk is full';
  let visits = 0;
  const visit = broker.store.visit.bind(broker.store);
  Object.defineProperty(broker.store, 'refusal', { get: () => refusal });
  broker.store.visit = (...given) => {
    visits++;
    return visit(...given);
  };
  await broker.clock.advance('30s');
  expect(visits).toBe(0);
  refusal = undefined;
  await broker.clock.advance('1s');
  expect(await broker.delivered()).toHaveLength(20);
});

test('a level that an operator takes away and makes again goes on where it was', async () => {
  const broker = await setup();
  await broker.send('before', { DELAY: 2 });
  await broker.clock.advance('5s');
  await broker.send('waits', { DELAY: 2 });
  const fewer = { store: { messageDelayLevel: '1s' }, settings: { delayLevelsMs: [1_000] } };
  const without = await restarted(broker, () => {}, fewer);
  await without.send('other', { DELAY: 1 });
  await without.clock.advance('20s');
  expect((await without.delivered()).sort()).toEqual(['before', 'other']);
  const again = await restarted(without);
  await again.clock.advance('1s');
  expect((await again.delivered()).sort()).toEqual(['before', 'other', 'waits']);
});

test('what waits does not become too old, and goes when it was delivered', async () => {
  const everyHour = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0')).join(';');
  const broker = await setup({
    store: { fileReservedTimeHours: 0, deleteWhen: everyHour, deleteCommitLogFilesIntervalMs: 0 },
  });
  const atTheEnd = async (): Promise<number> => {
    for (let index = 0; index < 3; index++) await broker.send('x'.repeat(20_000));
    await broker.store.removeOldFiles();
    return broker.store.statistics.commitLogMinOffset;
  };
  await broker.send('timer', { TIMER_DELAY_SEC: 60 });
  expect(await atTheEnd()).toBe(0);
  await broker.send('level', { DELAY: 6 });
  await broker.clock.advance('62s');
  const removed = await atTheEnd();
  expect(removed).toBeGreaterThan(0);
  expect(await atTheEnd()).toBe(removed);
  await broker.clock.advance('60s');
  expect(await atTheEnd()).toBeGreaterThan(removed);
  expect(broker.store.entries(LEVELS, 5, 0, 1).entries).toEqual([]);
});

test('what waits is delivered though new messages may no longer be so large', async () => {
  const broker = await setup();
  await broker.send('of a level', { DELAY: 1 });
  await broker.send('a timer', { TIMER_DELAY_MS: 1_000 });
  const again = await restarted(broker, () => {}, { store: { maxMessageSize: 5 } });
  await again.clock.advance(3_000);
  expect((await again.delivered()).sort()).toEqual(['a timer', 'of a level']);
  expect(await again.send('a new one')).toMatchObject({ code: 13 });
});

test('operators see how far each level is', async () => {
  const broker = await setup();
  for (const id of ['a', 'b']) await broker.send(id, { DELAY: 1 });
  await broker.send('c', { DELAY: 18 });
  await broker.clock.advance('2s');
  const answer = await broker.ask(RequestCode.GET_ALL_DELAY_OFFSET);
  expect([...decodeDelayOffsetTable(Buffer.from(answer.body as Uint8Array))]).toEqual([
    [1, 2],
    [18, 0],
  ]);
  const { body } = await broker.ask(RequestCode.GET_BROKER_RUNTIME_INFO);
  const { table } = JSON.parse(String(body)) as { table: Record<string, string> };
  expect(table).toMatchObject({ scheduleMessageOffset_1: '2,2', scheduleMessageOffset_18: '0,1' });
});
