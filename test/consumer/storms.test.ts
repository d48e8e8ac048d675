import { expect, onTestFinished, test } from 'vitest';
import { type RunningServer, startServer } from '../../core/server/index.js';
import { type StormServer, storm } from '../kit/storm/storm.js';
import { tempDir } from '../kit/temp-dir.js';

/** `STORM_SEED=7 npx vitest run test/consumer/storms.test.ts` blows another one. */
const SEED = Number(process.env.STORM_SEED ?? 20_261_122);

/** A server that is stopped and started again where it was. */
async function setup(): Promise<StormServer> {
  const dir = tempDir();
  const start = () => startServer({ dir, nameServerPort: 0, brokerPort: 0 });
  let running: RunningServer = await start();
  onTestFinished(() => running.close());
  return {
    nameServer: running.nameServers,
    restart: async () => {
      await running.close();
      running = await start();
    },
  };
}

const SMALL = {
  ...{ seed: SEED, topic: 'storm', messages: 5_000, queues: 10, flowMs: 700, stepMs: 50 },
  ...{ restart: true, persistOffsetIntervalMs: 200, offsetsForgottenMs: 0 },
};

test('side by side, and through a restart of the broker: no message is lost, what comes twice comes near a rebalance', async () => {
  const report = await storm(await setup(), { ...SMALL, ordered: false });
  expect(report, `seed ${SEED}`).toMatchObject({ handled: 5_000, lost: 0, problems: [] });
});

test('in order, and through a restart of the broker: each queue has one owner, each key its order', async () => {
  const report = await storm(await setup(), { ...SMALL, ordered: true });
  expect(report, `seed ${SEED}`).toMatchObject({ handled: 5_000, lost: 0, problems: [] });
});
