import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { addressServerResolver } from '../../core/routing/address-server.js';
import type { Clock } from '../../core/runtime/clock.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { systemClock } from '../../core/runtime/system-clock.js';

/** The pauses between two look-ups pass ten times as fast; long time-outs do not. */
const hastyClock: Clock = {
  ...systemClock,
  setTimer: (delayMs, callback, options) =>
    systemClock.setTimer(delayMs < 1000 ? delayMs / 10 : delayMs, callback, options),
};

async function setup(answer: RequestListener, options: { unitName?: string; timeoutMs?: number } = {}) {
  const requests: (string | undefined)[] = [];
  const warnings: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const resolver = addressServerResolver({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rocketmq/nsaddr`,
    clock: hastyClock,
    logger: { ...silentLogger, warn: (message) => warnings.push(message) },
    ...options,
  });
  return { resolver, requests, warnings };
}

test('the first use asks, concurrent uses share one request, later ones remember', async () => {
  const { resolver, requests } = await setup((_, response) => response.end(' a:9876;b:9876\n'));
  const lists = await Promise.all([resolver.nameServers(), resolver.nameServers()]);
  expect(lists).toEqual([
    ['a:9876', 'b:9876'],
    ['a:9876', 'b:9876'],
  ]);
  await resolver.nameServers();
  expect(requests).toEqual(['/rocketmq/nsaddr']);
});

test('a refresh brings the new list, a failed refresh keeps the last good one', async () => {
  let answer: { status: number; body: string } = { status: 200, body: 'a:9876' };
  const { resolver, warnings } = await setup((_, response) => {
    response.statusCode = answer.status;
    response.end(answer.body);
  });
  expect(await resolver.nameServers()).toEqual(['a:9876']);
  answer = { status: 200, body: 'b:9876' };
  await resolver.refresh?.();
  expect(await resolver.nameServers()).toEqual(['b:9876']);
  answer = { status: 500, body: 'c:9876' };
  await resolver.refresh?.();
  answer = { status: 200, body: '<html>' };
  await resolver.refresh?.();
  expect(await resolver.nameServers()).toEqual(['b:9876']);
  expect(warnings).toHaveLength(2);
});

test('one failed look-up breaks nothing: it is made again', async () => {
  let failures = 2;
  const { resolver, requests } = await setup((_, response) => {
    if (failures-- > 0) response.destroy();
    else response.end('a:9876');
  });
  expect(await resolver.nameServers()).toEqual(['a:9876']);
  expect(requests).toHaveLength(3);
});

test('an address server that stays away is an error with its cause, and the next use asks again', async () => {
  let healthy = false;
  const { resolver } = await setup((_, response) => {
    response.statusCode = healthy ? 200 : 404;
    response.end('a:9876');
  });
  await expect(resolver.nameServers()).rejects.toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    message: expect.stringContaining('HTTP status 404'),
    failures: [{ address: expect.stringContaining('/rocketmq/nsaddr') }],
  });
  healthy = true;
  expect(await resolver.nameServers()).toEqual(['a:9876']);
});

test('an address server that never answers is given up in time', async () => {
  const { resolver } = await setup(() => {}, { timeoutMs: 999 });
  await expect(resolver.nameServers()).rejects.toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    message: expect.stringContaining('no answer within 999 ms'),
  });
});

test('an endless list is refused', async () => {
  const { resolver } = await setup((_, response) => response.end(`a:9876;${' '.repeat(70_000)}`));
  await expect(resolver.nameServers()).rejects.toMatchObject({ message: expect.stringContaining('65536 bytes') });
});

test('the unit is appended to the address', async () => {
  const { resolver, requests } = await setup((_, response) => response.end('a:9876'), { unitName: 'u1' });
  await resolver.nameServers();
  expect(requests).toEqual(['/rocketmq/nsaddr-u1?nofix=1']);
});
