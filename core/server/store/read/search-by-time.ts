/**
 * The offset in [low, high) whose message is nearest in time, as 4.9 searches: the first of those with exactly this
 * time, else the neighbour that is closer, the earlier one when both are. `low` when there is none at all.
 * `storeTimeAt` may find a message gone; such a place counts as older than everything.
 */
export async function nearestInTime(
  low: number,
  high: number,
  timestampMs: number,
  storeTimeAt: (offset: number) => number | undefined | Promise<number | undefined>,
): Promise<number> {
  let from = low;
  let to = high;
  let timeBefore: number | undefined;
  let timeAfter: number | undefined;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const time = await storeTimeAt(middle);
    if (time === undefined || time < timestampMs) {
      from = middle + 1;
      timeBefore = time;
    } else {
      to = middle;
      timeAfter = time;
    }
  }
  if (timeAfter === undefined) return Math.max(low, from - 1);
  if (timeBefore === undefined || timeAfter === timestampMs) return from;
  return timestampMs - timeBefore <= timeAfter - timestampMs ? from - 1 : from;
}
