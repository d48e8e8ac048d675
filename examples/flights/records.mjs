import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const TOPIC = 'flights';

/** The 20,000 flights of the vega-datasets package: `{ date, delay, distance, origin, destination }`. */
export function loadFlights() {
  const file = createRequire(import.meta.url).resolve('vega-datasets/data/flights-20k.json');
  return JSON.parse(readFileSync(file, 'utf8'));
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
