/**
 * Runs a yardstick and the sides in turn, round after round, and prints each side's rate and its ratio to the yardstick
 * of the same round: median, least and most. The first round warms up and is not counted.
 * @param {{ name: string, run: () => Promise<import('./raw-echo.mjs').EchoResult> }} yardstick
 * @param {Record<string, () => Promise<import('./raw-echo.mjs').EchoResult>>} sides
 */
export async function printRatios(yardstick, sides, rounds) {
  const all = { [yardstick.name]: yardstick.run, ...sides };
  const results = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(all)) {
      const result = await run();
      if (round > 0) results[name].push(result);
    }
  }
  const reference = results[yardstick.name];
  for (const [name, runs] of Object.entries(results)) {
    const rate = spread(runs.map((run) => run.requestsPerSecond));
    const ratio = spread(runs.map((run, round) => run.requestsPerSecond / reference[round].requestsPerSecond));
    const p99 = spread(runs.map((run) => run.p99Ms));
    console.log(
      `${name.padEnd(28)} ${Math.round(rate.median).toLocaleString('en-US').padStart(9)}/s   ratio ${format(ratio)}   p99 ${p99.median.toFixed(2)} ms`,
    );
  }
  console.log(`${rounds} rounds, each side in turn; median (least – most)`);
}

/** Median, least and most of some figures. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, least: sorted[0], most: sorted[sorted.length - 1] };
}

export function format({ median, least, most }, digits = 3) {
  return `${median.toFixed(digits)} (${least.toFixed(digits)} – ${most.toFixed(digits)})`;
}
