import { describe, expect, test } from 'vitest';
import type { Logger } from '../../core/runtime/logger.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { Scheduler } from '../../core/runtime/scheduler.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';

function setup() {
  const clock = virtualClock();
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
  return { clock, warnings, scheduler: new Scheduler(clock, logger) };
}

describe('scheduler', () => {
  test('runs a task after its initial delay and then every period, without keeping the process alive', async () => {
    const { clock, scheduler } = setup();
    const at: number[] = [];
    scheduler.every('heartbeat', { initialDelayMs: 5, periodMs: 30 }, () => at.push(clock.monotonic()));
    expect(clock.refTimers).toBe(0);
    await clock.advance(100);
    expect(at).toEqual([5, 35, 65, 95]);
  });

  test('a task that throws or rejects is logged by name and runs again', async () => {
    const { clock, scheduler, warnings } = setup();
    let runs = 0;
    scheduler.every('routes', { periodMs: 10 }, () => {
      runs++;
      if (runs === 1) throw new Error('thrown');
      return Promise.reject(new Error('rejected'));
    });
    await clock.advance(35);
    expect(runs).toBe(3);
    expect(warnings).toEqual(Array(3).fill('periodic task routes failed'));
  });

  test('a slow task never overlaps itself and goes on at once when its period has passed', async () => {
    const { clock, scheduler } = setup();
    const starts: number[] = [];
    let end: () => void = () => {};
    scheduler.every('offsets', { periodMs: 10 }, () => {
      starts.push(clock.monotonic());
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    await clock.advance(35);
    expect(starts).toEqual([10]);
    end();
    await clock.advance(1);
    expect(starts).toEqual([10, 35]);
  });

  test('trigger runs at once and starts the period anew; during a run it asks for exactly one more', async () => {
    const { clock, scheduler } = setup();
    const starts: number[] = [];
    const ends: (() => void)[] = [];
    const task = scheduler.every('heartbeat', { periodMs: 30 }, () => {
      starts.push(clock.monotonic());
      return new Promise<void>((resolve) => ends.push(resolve));
    });
    await clock.advance(20);
    const first = task.trigger();
    const second = task.trigger();
    const third = task.trigger();
    expect(starts).toEqual([20]);
    ends[0]!();
    await first;
    await clock.advance(0);
    expect(starts).toEqual([20, 20]);
    ends[1]!();
    await Promise.all([second, third]);
    await clock.advance(29);
    expect(starts).toEqual([20, 20]);
    await clock.advance(1);
    expect(starts).toEqual([20, 20, 50]);
  });

  test('close starts nothing more and waits for what runs', async () => {
    const { clock, scheduler } = setup();
    let end: () => void = () => {};
    let runs = 0;
    scheduler.every('offsets', { periodMs: 10 }, () => {
      runs++;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    await clock.advance(10);
    let closed = false;
    const closing = scheduler.close().then(() => {
      closed = true;
    });
    await clock.advance(50);
    expect(closed).toBe(false);
    end();
    await closing;
    await clock.advance(50);
    expect(runs).toBe(1);
    expect(clock.timers).toBe(0);
    expect(scheduler.names).toEqual([]);
  });

  test('a cancelled task leaves the others running; a period of zero is refused', async () => {
    const { clock, scheduler } = setup();
    const seen: string[] = [];
    const first = scheduler.every('first', { periodMs: 10 }, () => seen.push('first'));
    scheduler.every('second', { periodMs: 10 }, () => seen.push('second'));
    first.cancel();
    await clock.advance(10);
    expect(seen).toEqual(['second']);
    expect(scheduler.names).toEqual(['second']);
    expect(() => scheduler.every('never', { periodMs: 0 }, () => {})).toThrow(/never/);
  });
});
