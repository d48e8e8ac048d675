import { describe, expect, test } from 'vitest';
import { type StormReport, storm } from '../../kit/storm/storm.js';

/** A cluster whose broker can go and come back where it was. */
export interface RestartableTarget {
  readonly nameServer: string;
  /** By a kill. */
  restartBroker(): Promise<void>;
}

/** `STORM_SEED=7 npm run test:interop -- storms` blows another one. */
const SEED = Number(process.env.STORM_SEED ?? 20_261_122);
const MESSAGES = 100_000;

function tell(what: string, { problems: _, ...report }: StormReport): void {
  console.log(`interop: ${what}: ${JSON.stringify(report)}`);
}

/**
 * Ten consumers of ours join, leave, are killed and have their connections cut in seeded order while 100,000 messages flow.
 * What has to hold is said at StormLedger.
 * @param offsetsForgottenMs what the broker forgets of the stored offsets when it is killed
 */
export function stormsContract(target: () => RestartableTarget, offsetsForgottenMs: number): void {
  const options = { seed: SEED, messages: MESSAGES, flowMs: 5_000, restart: true, offsetsForgottenMs };
  const server = () => ({ nameServer: target().nameServer, restart: () => target().restartBroker() });

  describe('ten consumers that come and go', () => {
    test('side by side, and through a restart of the broker: no message is lost, what comes twice comes near a rebalance', async () => {
      const report = await storm(server(), { ...options, topic: 'storm_of_readers', ordered: false });
      tell('side by side', report);
      expect(report, `seed ${SEED}`).toMatchObject({ handled: MESSAGES, lost: 0, problems: [] });
    });

    test('in order, and through a restart of the broker: each queue has one owner, each key its order', async () => {
      const report = await storm(server(), { ...options, topic: 'storm_in_order', ordered: true });
      tell('in order', report);
      expect(report, `seed ${SEED}`).toMatchObject({ handled: MESSAGES, lost: 0, problems: [] });
    });
  });
}
