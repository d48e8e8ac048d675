import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const TOPIC = 'flights';

/** The 20,000 flights of the vega-datasets package: `{ date, delay, distance, origin, destination }`. */
export function loadFlights() {
  // The package exports its code only; the data lies beside it.
  const code = createRequire(import.meta.url).resolve('vega-datasets');
  return JSON.parse(readFileSync(join(dirname(code), '..', 'data', 'flights-20k.json'), 'utf8'));
}

/** One flight as a message: tagged by its origin, with a key that tells the run and the position in it. */
export function toMessage(run, index, flight) {
  return {
    topic: TOPIC,
    body: JSON.stringify(flight),
    tag: flight.origin,
    keys: `${run}-${index}`,
    properties: { run, delayMinutes: String(flight.delay), distance: String(flight.distance) },
  };
}
