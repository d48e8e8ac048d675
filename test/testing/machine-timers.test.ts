import { AsyncResource } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { withMachineTimers } from '../../core/testing/conformance/machine-timers.js';

/** What the process notes on everything asynchronous that is begun. */
const notes = (): number => Object.getOwnPropertySymbols(new AsyncResource('probe')).length;

// Each check of a plugin left its storage behind, and with a thousand of them a turn of the event loop took fifty times as long.
test('what was looked at leaves nothing that is noted on all that comes later', async () => {
  const before = notes();
  const noted = await withMachineTimers(async () => AsyncResource.bind(notes));
  expect(noted()).toBe(before);
});

test('timers that were set because of the work are counted until they have run or were cleared', async () => {
  const other = setTimeout(() => {}, 60_000);
  await withMachineTimers(async (timers) => {
    const one = setTimeout(() => {}, 60_000);
    const two = await Promise.resolve().then(() => setInterval(() => {}, 60_000));
    expect(timers.left).toBe(2);
    clearTimeout(one);
    clearInterval(two);
    await new Promise((resolve) => setImmediate(resolve));
    expect(timers.left).toBe(0);
  });
  clearTimeout(other);
});
