import { expect, onTestFinished, test } from 'vitest';
import { LoopStalls } from '../../core/server/loop-stalls.js';
import { waitFor } from '../kit/wait-for.js';

/** Keeps the event loop from turning. */
function stall(durationMs: number): void {
  const until = performance.now() + durationMs;
  while (performance.now() < until);
}

test('stalls of the event loop are counted, with the longest', async () => {
  const stalls = new LoopStalls();
  stalls.start();
  onTestFinished(() => stalls.stop());
  // The first tick of the monitor starts its clock.
  await new Promise<void>((resolve) => setTimeout(resolve, 30));
  const before = stalls.statistics.count;
  stall(90);
  await waitFor(() => stalls.statistics.count > before, { what: 'the first stall to be seen' });
  stall(150);
  // A busy machine adds stalls of its own, and makes these longer: neither number alone says that both were seen.
  const sawBoth = () => stalls.statistics.count >= before + 2 && stalls.statistics.longestMs >= 140;
  expect(await waitFor(sawBoth, { what: 'the second stall to be seen, with its length' })).toBe(true);
});
