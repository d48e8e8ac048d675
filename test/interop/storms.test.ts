import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { type RestartableTarget, stormsContract } from './contract/storms.js';
import { startApache } from './kit/apache.js';
import { startOurServerProcess } from './kit/our-server-process.js';
import { freeNeighbourPorts } from './kit/ports.js';

/** Membership under load, on servers that run for this file only: it kills them. */
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'multistage-storms-'));
});

afterAll(() => rm(home, { recursive: true, force: true }));

describe('on our server', () => {
  let target: RestartableTarget & { close(): Promise<void> };

  beforeAll(async () => {
    // Ports that nobody takes while it is away.
    const nameServerPort = await freeNeighbourPorts(4);
    const ports = { nameServerPort, brokerPort: nameServerPort + 3 };
    const options = { dir: join(home, 'ours'), brokerName: 'ours-a', cluster: 'OurOwnCluster', ...ports };
    let server = await startOurServerProcess(options);
    target = {
      nameServer: server.nameServer,
      restartBroker: async () => {
        await server.kill();
        server = await startOurServerProcess(options);
      },
      close: () => server.close(),
    };
  });
  afterAll(() => target?.close());

  stormsContract(() => target, 6_000);
});

describe('on Apache 4.9.7', () => {
  let target: Awaited<ReturnType<typeof startApache>>;

  beforeAll(async () => {
    const brokerConfig = { flushConsumerOffsetInterval: 500 };
    target = await startApache(inject('java'), join(home, 'apache'), { brokerConfig });
  });
  afterAll(() => target?.kill());

  // A young broker stores no offsets for 10 seconds.
  stormsContract(() => target, 11_500);
});
