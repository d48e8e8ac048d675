import { expect, onTestFinished, test } from 'vitest';
import { DelayBroker, type DelayBrokerParts } from './delay-broker.js';

/** A wall clock that an administrator sets: nothing is lost, nothing comes twice, and nothing waits longer than it was to. */
const YEAR_MS = 365 * 86_400_000;
const MINUTE = { timerMaxDelaySec: 60 };

async function setup(parts: DelayBrokerParts = {}): Promise<DelayBroker> {
  const broker = await DelayBroker.open(parts);
  onTestFinished(() => broker.forget());
  return broker;
}

const jump = ({ clock }: DelayBroker, ms: number): void => clock.setNow(clock.now() + ms);

async function restart(broker: DelayBroker, jumpMs = 0): Promise<DelayBroker> {
  await broker.close();
  jump(broker, jumpMs);
  return setup({ files: broker.files, clock: broker.clock, settings: MINUTE });
}

/** A level and a timer, both of ten seconds. */
async function sendBoth(broker: DelayBroker, name: string): Promise<void> {
  await broker.send(`${name}-level`, { DELAY: 3 });
  await broker.send(`${name}-timer`, { TIMER_DELAY_SEC: 10 });
}

const both = (...names: string[]): string[] => names.flatMap((name) => [`${name}-level`, `${name}-timer`]).sort();

test('a year back: what waits comes when its time has passed, and what is sent then too', async () => {
  const broker = await setup();
  await sendBoth(broker, 'before');
  await broker.clock.advance('4s');
  jump(broker, -YEAR_MS);
  await broker.clock.advance('1s');
  await sendBoth(broker, 'after');
  await broker.clock.advance('3s');
  expect(await broker.delivered()).toEqual([]);
  await broker.clock.advance('3s');
  expect((await broker.delivered()).sort()).toEqual(both('before'));
  await broker.clock.advance('5s');
  expect((await broker.delivered()).sort()).toEqual(both('after', 'before'));
});

test('a year forward: what waits comes at once, what is sent then after its delay', async () => {
  const broker = await setup();
  await sendBoth(broker, 'before');
  jump(broker, YEAR_MS);
  await broker.clock.advance('1s');
  expect((await broker.delivered()).sort()).toEqual(both('before'));
  await sendBoth(broker, 'after');
  await broker.clock.advance('8s');
  expect((await broker.delivered()).sort()).toEqual(both('before'));
  await broker.clock.advance('3s');
  expect((await broker.delivered()).sort()).toEqual(both('after', 'before'));
});

test('forward and back again, with a stop after each', async () => {
  let broker = await setup({ settings: MINUTE });
  await sendBoth(broker, 'a');
  broker = await restart(broker, YEAR_MS);
  await sendBoth(broker, 'b');
  await broker.clock.advance('1s');
  expect((await broker.delivered()).sort()).toEqual(both('a'));
  broker = await restart(broker, -YEAR_MS);
  await sendBoth(broker, 'c');
  await broker.clock.advance('12s');
  expect((await broker.delivered()).filter((id) => !id.startsWith('b-timer')).sort()).toEqual([
    ...both('a'),
    'b-level',
    ...both('c'),
  ]);
  // How long before the stop it was sent is not known any more: as long as a timer may wait.
  await broker.clock.advance('50s');
  broker = await restart(broker);
  await broker.clock.advance('1m');
  expect((await broker.delivered()).sort()).toEqual(both('a', 'b', 'c'));
});

test('which was not set: timers wait for their instants, also where fewer days are allowed than before', async () => {
  const hours = (count: number) => ({ timerMaxDelaySec: count * 3_600 });
  let broker = await setup({ settings: hours(720) });
  await broker.send('in an hour', { TIMER_DELAY_SEC: 3_600 });
  await broker.send('in three days', { TIMER_DELAY_SEC: 72 * 3_600 });
  await broker.close();
  broker = await setup({ files: broker.files, clock: broker.clock, settings: hours(24) });
  await broker.clock.advance('59m');
  expect(await broker.delivered()).toEqual([]);
  await broker.clock.advance('2m');
  expect(await broker.delivered()).toEqual(['in an hour']);
  jump(broker, 71 * 3_600_000);
  await broker.clock.advance('1s');
  expect(await broker.delivered()).toEqual(['in an hour', 'in three days']);
});

test('a small correction moves timers with the clock', async () => {
  const broker = await setup();
  await broker.send('timer', { TIMER_DELAY_SEC: 10 });
  await broker.clock.advance('2s');
  jump(broker, -5_000);
  await broker.clock.advance('12s');
  expect(await broker.delivered()).toEqual([]);
  await broker.clock.advance('1s');
  expect(await broker.delivered()).toEqual(['timer']);
});
