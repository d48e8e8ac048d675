import { decodeProperties } from '../../core/message/properties.js';
import { PropertyName } from '../../core/message/property-names.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { COMMIT, type HalfAt, ROLLBACK, TransactionBroker } from '../server/transaction/transaction-kit.js';
import { BrokerHistory, type FlushDiskType } from './broker-history.js';
import { refuseAppends } from './failing-store.js';
import { Violation } from './ledger.js';

const CHECK_INTERVAL_MS = 60_000;
const STEPS_MAX = 12;
const YEAR_MS = 365 * 86_400_000;
/** Names of what a message may have among its properties that is sent in a transaction. */
const { CHECK_IMMUNITY_TIME_IN_SECONDS, TRAN_PREPARED_QUEUE_OFFSET } = PropertyName;

/** What the producer decided, whether or not anybody heard of it. */
type Decision = typeof COMMIT | typeof ROLLBACK;

interface Transaction {
  readonly id: string;
  readonly decision: Decision;
  /** Known to its producer; undefined when the send was not answered. */
  half: HalfAt | undefined;
  /** A power failure takes it back no more: it is on the disk. */
  isSafe: boolean;
  /** The power went before: it may be there or not. */
  isLost: boolean;
}

/**
 * One history of transactions: brokers that live one after the other on one volume, are sent half messages and ends, also
 * late ones and several, ask about what is open, have their clocks set by seconds or a year, refuse writes for a while, and
 * are killed in the middle of anything or lose their power. At the end the producer answers what it is asked until nothing is open. Everything is decided
 * by the seed.
 * @throws Violation when a committed message is missing, one that was rolled back is there, or one is there twice
 */
export async function runTransactionHistory(seed: number): Promise<void> {
  await new TransactionHistory(seed).run();
}

class TransactionHistory extends BrokerHistory<TransactionBroker> {
  readonly #transactions = new Map<string, Transaction>();

  constructor(seed: number) {
    super(seed, STEPS_MAX);
  }

  /**
   * What was acknowledged before it was on the disk may be gone, as if it had never been sent; and its place in the log is
   * another's, so that its producer's word about it must find nothing.
   */
  protected powerIsLost(): void {
    for (const transaction of this.#transactions.values()) if (!transaction.isSafe) transaction.isLost = true;
  }

  protected async step(broker: TransactionBroker, flushDiskType: FlushDiskType): Promise<void> {
    const random = this.random;
    switch (random.between(0, 11)) {
      case 11:
        refuseAppends(broker.store, random.between(1, 6));
        return;
      case 10:
        broker.clock.setNow(broker.clock.now() + random.of([-YEAR_MS, -5_000, 400, YEAR_MS]));
        return;
      case 0:
        this.dieLater(random.between(0, 6));
        return;
      case 1:
        return broker.clock.advance(random.of([500, 5_000, 11_000]));
      case 2:
      case 3:
        await broker.clock.advance(CHECK_INTERVAL_MS);
        return;
      case 4:
        return this.#answer(broker);
      case 5:
      case 6:
        return this.#end(broker);
      default:
        return this.#send(broker, flushDiskType);
    }
  }

  /** Several in one turn. */
  async #send(broker: TransactionBroker, flushDiskType: FlushDiskType): Promise<void> {
    for (let count = this.random.between(1, 3); count > 0; count--) {
      const decision = this.random.chance(0.6) ? COMMIT : ROLLBACK;
      const transaction: Transaction = {
        id: String(this.#transactions.size).padStart(32, 'F'),
        decision,
        half: undefined,
        isSafe: false,
        isLost: false,
      };
      this.#transactions.set(transaction.id, transaction);
      const volume = this.volume;
      const properties = this.random.chance(0.15)
        ? `${CHECK_IMMUNITY_TIME_IN_SECONDS}\u0001120`
        : // As of one that was received, and is sent on.
          this.random.chance(0.1)
          ? `${TRAN_PREPARED_QUEUE_OFFSET}\u0001${this.random.between(0, 5)}`
          : undefined;
      void broker.half(transaction.id, properties).then(
        (half) => {
          if (volume.isDead) return;
          transaction.half = half;
          transaction.isSafe = flushDiskType === 'SYNC_FLUSH';
        },
        // Refused, or answered by nobody: the producer knows nothing of it.
        () => undefined,
      );
    }
    await this.turns();
  }

  /** Ends that the producer sends of its own, some of them again and late. */
  async #end(broker: TransactionBroker): Promise<void> {
    const known = [...this.#transactions.values()].filter(({ half }) => half !== undefined);
    if (known.length === 0) return;
    for (let count = this.random.between(1, 3); count > 0; count--) {
      const { half, decision } = this.random.of(known);
      this.#tell(broker, half!, decision);
    }
    await this.turns();
  }

  /** Answers some of what it was asked, also what it was asked long ago. */
  async #answer(broker: TransactionBroker): Promise<void> {
    const { checks } = broker.producer;
    for (const check of checks) {
      if (!this.random.chance(0.5)) continue;
      this.#tell(broker, check, this.random.chance(0.8) ? this.#decisionOf(check) : 0);
    }
    await this.turns();
  }

  #tell(broker: TransactionBroker, half: HalfAt, state: number): void {
    broker.tell(half, state).response.catch((error: unknown) => {
      if (!this.volume.isDead) throw error;
    });
  }

  #decisionOf({ id }: HalfAt): Decision {
    return this.#transactions.get(id)!.decision;
  }

  /** The last life: nothing fails, the producer answers everything. */
  protected async settle(): Promise<void> {
    const broker = await this.open('ASYNC_FLUSH', 0);
    for (let round = 0; round < 6; round++) {
      await broker.clock.advance(CHECK_INTERVAL_MS);
      const checks = broker.producer.checks.splice(0);
      for (const check of checks) await broker.end(check, this.#decisionOf(check));
    }
    await broker.clock.advance(CHECK_INTERVAL_MS);
    if (broker.producer.checks.length > 0) throw new Violation('a transaction does not end');
    const delivered = (await broker.read()).map(
      ({ properties }) => decodeProperties(properties)[PropertyName.UNIQ_KEY]!,
    );
    await broker.close();
    for (const { id, decision, half, isLost } of this.#transactions.values()) {
      const times = delivered.filter((other) => other === id).length;
      if (times > 1) throw new Violation(`${id} is there ${times} times`);
      if (decision === ROLLBACK && times > 0) throw new Violation(`${id} was rolled back and is there`);
      if (decision === COMMIT && half !== undefined && !isLost && times === 0)
        throw new Violation(`${id} was committed and is missing`);
    }
  }

  protected allIsSafe(): void {
    for (const known of this.#transactions.values()) known.isSafe = known.half !== undefined;
  }

  protected betweenLivesMs(): number {
    return 1;
  }

  protected open(flushDiskType: FlushDiskType, refusalsMax = 3): Promise<TransactionBroker> {
    return TransactionBroker.open({
      files: this.volume,
      clock: virtualClock({ nowMs: this.nowMs }),
      settings: { transactionCheckMax: 1_000 },
      ...(refusalsMax > 0 && { beforeLoad: (store) => refuseAppends(store, this.random.between(0, refusalsMax)) }),
      store: {
        mappedFileSizeCommitLog: 8_192,
        mappedFileSizeConsumeQueue: 400,
        maxHashSlotNum: 100,
        maxIndexNum: 1_000,
        flushDiskType,
        openFilesMax: this.random.of([2, 8, 512]),
      },
    });
  }
}
