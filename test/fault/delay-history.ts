import { virtualClock } from '../../core/testing/virtual-clock.js';
import { DelayBroker } from '../server/delay/delay-broker.js';
import { BrokerHistory, type FlushDiskType } from './broker-history.js';
import { failReads, refuseAppends } from './failing-store.js';
import { Violation } from './ledger.js';

const YEAR_MS = 365 * 86_400_000;
/** No timer may be further away, so that the last life need not last three days. */
const DELAY_SEC_MAX = 40;
const STEPS_MAX = 12;

interface Delayed {
  readonly id: string;
  /** Its producer was told that it is stored, and that a power failure does not take it back. */
  state: 'unanswered' | 'stored' | 'safe';
  recallHandle: string | undefined;
  /** When what takes it back was stored, its second had not begun. */
  recalled: 'no' | 'maybe' | 'yes';
}

/**
 * One history of delayed messages: brokers that live one after the other on one volume, are sent messages of levels and
 * timers, are told to take some back, whose clock is set by seconds or a year, whose disk refuses writes or reads for a while,
 * and that are stopped, killed in the middle of anything, or lose their power. Everything is decided by the seed.
 * @throws Violation when a message that was acknowledged is missing, one is there twice, or one that was taken back is there
 */
export async function runDelayHistory(seed: number): Promise<void> {
  await new DelayHistory(seed).run();
}

class DelayHistory extends BrokerHistory<DelayBroker> {
  readonly #messages: Delayed[] = [];

  constructor(seed: number) {
    super(seed, STEPS_MAX);
  }

  protected async step(broker: DelayBroker, flushDiskType: FlushDiskType): Promise<void> {
    const random = this.random;
    switch (random.between(0, 13)) {
      case 0:
        this.dieLater(random.between(0, 8));
        return;
      case 1:
        broker.clock.setNow(broker.clock.now() + random.of([-YEAR_MS, -5_000, 400, YEAR_MS]));
        return;
      case 2:
      case 3:
      case 4:
        return broker.clock.advance(random.of([10, 500, 1_000, 3_300, 11_000]));
      case 5:
        return this.#recall(broker);
      case 6:
        refuseAppends(broker.store, random.between(1, 8));
        return;
      case 7:
        failReads(broker.store, random.of(['entries', 'visit']), random.between(1, 5));
        return;
      default:
        return this.#send(broker, flushDiskType);
    }
  }

  /** Several in one turn, some of them to the same second. */
  async #send(broker: DelayBroker, flushDiskType: FlushDiskType): Promise<void> {
    const random = this.random;
    const volume = this.volume;
    const delaySec = random.between(0, DELAY_SEC_MAX - 1);
    for (let count = random.between(1, random.chance(0.1) ? 80 : 4); count > 0; count--) {
      const id = `d${this.#messages.length}`;
      const message: Delayed = { id, state: 'unanswered', recallHandle: undefined, recalled: 'no' };
      this.#messages.push(message);
      const how: Record<string, number> = random.chance(0.4)
        ? { DELAY: random.between(1, 3) }
        : {
            TIMER_DELAY_MS: random.chance(0.7) ? delaySec * 1_000 + random.between(1, 999) : random.between(1, 39_000),
          };
      void broker.send(id, how, 0).then(
        ({ code, ext }) => {
          if (volume.isDead || code !== 0) return;
          message.state = flushDiskType === 'SYNC_FLUSH' ? 'safe' : 'stored';
          message.recallHandle = (ext as Record<string, string>).recallHandle;
        },
        // Refused, or answered by nobody: the producer knows nothing of it.
        () => undefined,
      );
    }
    await this.turns();
  }

  async #recall(broker: DelayBroker): Promise<void> {
    const known = this.#messages.filter(
      ({ recallHandle, recalled }) => recallHandle !== undefined && recalled === 'no',
    );
    if (known.length === 0) return;
    const message = this.random.of(known);
    message.recalled = 'maybe';
    // Clocks that were set may have brought it before.
    const isThere = (await broker.delivered()).includes(message.id);
    const volume = this.volume;
    await broker.recall(message.recallHandle!).then(
      ({ code }) => {
        if (code === 0 && !isThere && !volume.isDead) message.recalled = 'yes';
      },
      () => undefined,
    );
    await this.turns();
    // It may have come between the look and the recall.
    if (!volume.isDead && (await broker.delivered()).includes(message.id)) message.recalled = 'maybe';
  }

  /** Everything that is written survives a kill, not what was only acknowledged before the power went. */
  protected powerIsLost(): void {
    for (const message of this.#messages) {
      if (message.state === 'stored') message.state = 'unanswered';
      if (message.recalled === 'yes') message.recalled = 'maybe';
    }
  }

  protected allIsSafe(): void {
    for (const message of this.#messages) if (message.state === 'stored') message.state = 'safe';
  }

  /** The last life: nothing fails, and everything comes due. */
  protected async settle(): Promise<void> {
    const broker = await this.open('ASYNC_FLUSH');
    await broker.clock.advance((DELAY_SEC_MAX + 5) * 1_000);
    const counts = new Map<string, number>();
    for (const id of await broker.delivered()) counts.set(id, (counts.get(id) ?? 0) + 1);
    await broker.close();
    for (const { id, state, recalled } of this.#messages) {
      const times = counts.get(id) ?? 0;
      if (times > 1) throw new Violation(`${id} is there ${times} times`);
      if (recalled === 'yes' && times > 0) throw new Violation(`${id} was taken back and is there`);
      if (recalled === 'no' && state !== 'unanswered' && times === 0) throw new Violation(`${id} is missing`);
    }
  }

  protected betweenLivesMs(): number {
    const { random } = this;
    const setByMs = random.chance(0.2) ? random.of([-YEAR_MS, -5_000, 30_000, YEAR_MS]) : 0;
    return random.of([1, 1_000, 60_000]) + setByMs;
  }

  protected open(flushDiskType: FlushDiskType): Promise<DelayBroker> {
    return DelayBroker.open({
      files: this.volume,
      clock: virtualClock({ nowMs: this.nowMs }),
      settings: { timerMaxDelaySec: DELAY_SEC_MAX, flushDelayOffsetInterval: 2_000 },
      store: {
        mappedFileSizeCommitLog: 16_384,
        mappedFileSizeConsumeQueue: 400,
        flushDiskType,
        openFilesMax: this.random.of([2, 8, 512]),
      },
    });
  }
}
