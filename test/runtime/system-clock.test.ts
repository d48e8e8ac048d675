import { describe, expect, test } from 'vitest';
import { systemClock } from '../../core/runtime/system-clock.js';

describe('system clock', () => {
  test('tells whole wall-clock milliseconds and a monotonic time that moves on', async () => {
    expect(Number.isInteger(systemClock.now())).toBe(true);
    const before = systemClock.monotonic();
    await new Promise<void>((resolve) => {
      systemClock.setTimer(5, resolve, { ref: true });
    });
    expect(systemClock.monotonic() - before).toBeGreaterThan(3);
  });

  test('a cancelled timer is never called, also when it is cancelled twice', async () => {
    let called = false;
    const timer = systemClock.setTimer(1, () => {
      called = true;
    });
    timer.cancel();
    timer.cancel();
    await new Promise<void>((resolve) => {
      systemClock.setTimer(10, resolve, { ref: true });
    });
    expect(called).toBe(false);
  });

  test('a delay longer than a Node timer can count does not fire at once', async () => {
    let called = false;
    const timer = systemClock.setTimer(2 ** 31 + 5, () => {
      called = true;
    });
    await new Promise<void>((resolve) => {
      systemClock.setTimer(10, resolve, { ref: true });
    });
    timer.cancel();
    expect(called).toBe(false);
  });

  test('a timer keeps the process alive only while it is asked to', () => {
    const keepingAlive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = keepingAlive();
    const timer = systemClock.setTimer(60_000, () => {});
    expect(keepingAlive()).toBe(before);
    timer.setRef?.(true);
    expect(keepingAlive()).toBe(before + 1);
    timer.setRef?.(false);
    expect(keepingAlive()).toBe(before);
    timer.cancel();
  });
});
