import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { startServer } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';

test.each([false, true])('a server shows where it is and how it is, in a worker: %s', async (worker) => {
  const ports = { nameServerPort: 0, brokerPort: 0 };
  const server = closeAfterTest(await startServer({ store: 'memory', worker, ...ports }));
  const { nameServers, brokerAddress, dir } = server;
  expect(inspect(server, { breakLength: 200 })).toBe(
    `Server { nameServers: '${nameServers}', brokerAddress: '${brokerAddress}', dir: '${dir}', refusal: undefined }`,
  );
});
