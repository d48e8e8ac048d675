import type { Clock } from '../../../core/index.js';

/**
 * A clock on which so many seconds pass in one: what takes brokers minutes takes a test seconds, in processes that are real.
 * `passedMs` tells what passed of it; by default the time of the machine.
 */
export function hurriedClock(times: number, passedMs?: () => number): Clock;
