import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../../../core/server/index.js';
import { SOON_CHECKED } from './soon-checked.js';
import type { Target } from './target.js';

/** Our name server and broker on free loopback ports, with their data in a folder that goes with `close`. */
export async function startOurServer(): Promise<Target & { close(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'multistage-ours-'));
  const removeDir = () => rm(dir, { recursive: true, force: true });
  // As long as the name of Apache's cluster: it is part of every record, and same-answers.test.ts compares their sizes.
  const clusterName = 'OurOwnCluster';
  const brokerName = 'ours-a';
  try {
    const server = await startServer({
      dir,
      nameServerPort: 0,
      brokerPort: 0,
      cluster: clusterName,
      brokerName,
      ...SOON_CHECKED,
    });
    return {
      nameServer: server.nameServers,
      brokerAddress: server.brokerAddress,
      brokerName,
      clusterName,
      close: async () => {
        await server.close();
        await removeDir();
      },
    };
  } catch (error) {
    await removeDir();
    throw error;
  }
}
