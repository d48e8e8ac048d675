import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BROKER_REQUESTS, NAME_SERVER_REQUESTS } from '../../core/server/request-tables.js';
import { serverParts } from './kit/broker-setup.js';

test.each([
  ['broker', BROKER_REQUESTS],
  ['nameServer', NAME_SERVER_REQUESTS],
] as const)('the %s answers the codes that its table names, each by one processor', (part, rows) => {
  const named = rows.flatMap(([, ...codes]) => codes);
  expect(new Set(named).size).toBe(named.length);
  expect(Object.keys(serverParts()[part])).toEqual(named.map(String).sort((a, b) => Number(a) - Number(b)));
});

test.each([
  ['broker', BROKER_REQUESTS],
  ['nameserver', NAME_SERVER_REQUESTS],
] as const)('every processor of core/server/%s stands in the table', async (room, rows) => {
  const folder = new URL(`../../core/server/${room}/processors/`, import.meta.url);
  const modules = readdirSync(folder).map((file) => import(new URL(file, folder).href));
  const exported = (await Promise.all(modules)).flatMap((module) => Object.values(module));
  const processors = exported.filter((one) => typeof one === 'function' && one.name.endsWith('Processor'));
  expect(new Set(rows.map(([processor]) => processor))).toEqual(new Set(processors));
});
