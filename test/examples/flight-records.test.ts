import { expect, test } from 'vitest';

/** The data set's package exports its code only: asking for its data by package path failed when the main job started. */
test('the main job finds its 20,000 flights', async () => {
  const records: string = new URL('../../examples/flights/records.mjs', import.meta.url).href;
  const { loadFlights, toMessage } = await import(records);
  const flights = loadFlights();
  expect(flights).toHaveLength(20_000);
  expect(toMessage('run', 7, flights[7])).toMatchObject({ topic: 'flights', tag: flights[7].origin, keys: 'run-7' });
});
