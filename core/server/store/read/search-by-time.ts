import type { TimeBoundary } from '../message-store.js';

/** Tells the store time of the message at an offset; undefined when it is gone: then it counts as older than everything. */
export type StoreTimeAt = (offset: number) => number | undefined | Promise<number | undefined>;

/**
 * The offset in [low, high) that a time stands for, as the boundary says:
 *
 * - `nearest`, as 4.9 searches: the first of those with exactly this time, else the neighbour that is closer, the earlier
 *   one when both are; `low` when there is none at all.
 * - `lower`: the first at this time or later, `high` when there is none.
 * - `upper`: the last at this time or earlier, 0 when there is none, as 5.x says it.
 */
export async function searchByTime(
  low: number,
  high: number,
  timestampMs: number,
  boundary: TimeBoundary,
  storeTimeAt: StoreTimeAt,
): Promise<number> {
  // Times never fall along a queue, so what is later than a time begins where the next millisecond would.
  const sought = boundary === 'upper' ? timestampMs + 1 : timestampMs;
  const { offset, timeBefore, timeAt } = await firstNotBefore(low, high, sought, storeTimeAt);
  switch (boundary) {
    case 'lower':
      return offset;
    case 'upper':
      return timeBefore === undefined ? 0 : offset - 1;
    case 'nearest':
      if (timeAt === undefined) return Math.max(low, offset - 1);
      if (timeBefore === undefined || timeAt === timestampMs) return offset;
      return timestampMs - timeBefore <= timeAt - timestampMs ? offset - 1 : offset;
  }
}

interface Found {
  /** The first offset whose message is not older; `high` without one. */
  readonly offset: number;
  readonly timeBefore: number | undefined;
  readonly timeAt: number | undefined;
}

async function firstNotBefore(
  low: number,
  high: number,
  timestampMs: number,
  storeTimeAt: StoreTimeAt,
): Promise<Found> {
  let from = low;
  let to = high;
  let timeBefore: number | undefined;
  let timeAt: number | undefined;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const time = await storeTimeAt(middle);
    if (time === undefined || time < timestampMs) {
      from = middle + 1;
      timeBefore = time;
    } else {
      to = middle;
      timeAt = time;
    }
  }
  return { offset: from, timeBefore, timeAt };
}
