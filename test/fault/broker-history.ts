import { nextTurn } from '../kit/wait-for.js';
import { FaultyVolume } from './faulty-volume.js';
import { Violation } from './ledger.js';
import { Random } from './random.js';

export type FlushDiskType = 'SYNC_FLUSH' | 'ASYNC_FLUSH';

/** A broker on a volume, as much as its life and death need of it. */
export interface MortalBroker {
  readonly clock: { now(): number };
  /** Stops it cleanly. */
  close(): Promise<void>;
  /** Lets go of what its death left behind. */
  forget(): Promise<void>;
}

/**
 * Brokers that live one after the other on one volume, are stopped, killed in the middle of anything, or lose their power.
 * Everything is decided by the seed. What is done to them, and what has to hold, is said by the kinds of history.
 */
export abstract class BrokerHistory<B extends MortalBroker> {
  protected readonly random: Random;
  protected volume = new FaultyVolume();
  protected nowMs = Date.UTC(2026, 0, 1);
  readonly #stepsMax: number;

  constructor(seed: number, stepsMax: number) {
    this.random = new Random(seed);
    this.#stepsMax = stepsMax;
  }

  async run(): Promise<void> {
    for (let lives = this.random.between(2, 4); lives > 0; lives--) await this.#live();
    await this.settle();
  }

  /** A broker on `volume` at `nowMs`. */
  protected abstract open(flushDiskType: FlushDiskType): Promise<B>;
  protected abstract step(broker: B, flushDiskType: FlushDiskType): Promise<void>;
  /** Everything is on the disk: a broker was stopped cleanly. */
  protected abstract allIsSafe(): void;
  /** What was not on the disk may be gone. */
  protected abstract powerIsLost(): void;
  /** Milliseconds from the end of one life to the next. */
  protected abstract betweenLivesMs(): number;
  /** The last life, in which nothing fails. @throws Violation */
  protected abstract settle(): Promise<void>;
  /** The process dies in the middle of a write. */
  protected writeIsTorn(): void {}

  /** The process dies at the n-th thing it does to the volume, in the middle of it. */
  protected dieLater(operations: number): void {
    let left = operations;
    const { volume } = this;
    volume.fault = (operation) => {
      if (operation === 'read' || left-- > 0) return undefined;
      volume.die();
      if (operation === 'write') {
        this.writeIsTorn();
        return this.random.between(0, 2000);
      }
      return operation === 'create' ? 0 : undefined;
    };
  }

  protected async turns(): Promise<void> {
    for (let turns = this.random.between(0, 4); turns > 0; turns--) await nextTurn();
  }

  async #live(): Promise<void> {
    const { random, volume } = this;
    const flushDiskType: FlushDiskType = random.chance(0.5) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH';
    if (random.chance(0.2)) this.dieLater(random.between(0, 15));
    let broker: B | undefined;
    try {
      broker = await this.open(flushDiskType);
      for (let steps = random.between(1, this.#stepsMax); steps > 0 && !volume.isDead; steps--) {
        await this.step(broker, flushDiskType);
      }
    } catch (error) {
      // A process that is killed while it starts; all else is a failure.
      if (!volume.isDead || error instanceof Violation) throw error;
    }
    if (!volume.isDead && random.chance(0.3)) {
      await broker?.close();
      if (!volume.isDead) this.allIsSafe();
    }
    volume.die();
    await broker?.forget();
    this.nowMs = (broker?.clock.now() ?? this.nowMs) + this.betweenLivesMs();
    if (!random.chance(0.25)) this.volume = volume.loseProcess();
    else {
      this.powerIsLost();
      this.volume = volume.losePower(random.next);
    }
  }
}
