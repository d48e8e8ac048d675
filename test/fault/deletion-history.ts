import type { FileMessageStore } from '../../core/server/store/file-message-store.js';
import { openMessageStore } from '../../core/server/store/open-message-store.js';
import { type VirtualClock, virtualClock } from '../../core/testing/virtual-clock.js';
import { bodiesOf, readQueue, storeMessage } from '../server/store/store-kit.js';
import { BrokerHistory, type FlushDiskType, type MortalBroker } from './broker-history.js';
import { Violation } from './ledger.js';

const DIR = '/data/store';
const TOPICS = ['orders', 'orders-of-old', 'kept'] as const;
const QUEUES = 2;
const STEPS_MAX = 14;

interface MortalStore extends MortalBroker {
  readonly clock: VirtualClock;
  readonly store: FileMessageStore;
}

/** A queue of a topic since it was deleted last. */
interface Lane {
  readonly topic: string;
  readonly queueId: number;
  /** How often its topic was deleted; `undefined` after a death in the middle of a deletion: this or one more. */
  generation: number;
  mayBeDeleted: boolean;
  /** Messages that were given to the store, and how many of them it has to have. */
  taken: number;
  stored: number;
  safe: number;
}

/**
 * One history of topics that are deleted and made again: stores that live one after the other on one volume, take messages,
 * delete topics, and are stopped, killed in the middle of anything, or lose their power. Everything is decided by the seed.
 * @throws Violation when a message of a deleted topic is there, or one of a topic that was made since is missing or elsewhere
 */
export async function runDeletionHistory(seed: number): Promise<void> {
  await new DeletionHistory(seed).run();
}

class DeletionHistory extends BrokerHistory<MortalStore> {
  readonly #lanes: readonly Lane[] = TOPICS.flatMap((topic) =>
    Array.from({ length: QUEUES }, (_, queueId) => ({
      topic,
      queueId,
      generation: 0,
      mayBeDeleted: false,
      taken: 0,
      stored: 0,
      safe: 0,
    })),
  );

  constructor(seed: number) {
    super(seed, STEPS_MAX);
    // The directory above belongs to whoever runs the server.
    this.volume.mkdir('/data');
    this.volume.syncDirectorySync('/');
  }

  protected async step({ store, clock }: MortalStore, flushDiskType: FlushDiskType): Promise<void> {
    const random = this.random;
    switch (random.between(0, 10)) {
      case 0:
        this.dieLater(random.between(0, 10));
        return;
      case 1:
        return clock.advance(random.of([500, 1_000, 2_000]));
      case 2:
        this.volume.holdSyncs();
        return;
      case 3:
        this.volume.releaseSyncs();
        return this.turns();
      case 4:
      case 5:
        this.#delete(store);
        return this.turns();
      default:
        return this.#append(store, flushDiskType);
    }
  }

  #delete(store: FileMessageStore): void {
    const topic = this.random.of(TOPICS.slice(0, 2));
    const lanes = this.#lanes.filter((lane) => lane.topic === topic);
    for (const lane of lanes) lane.mayBeDeleted = lane.taken > 0;
    if (this.random.chance(0.25)) this.dieLater(this.random.between(0, 5));
    try {
      store.deleteTopic(topic);
    } catch (error) {
      if (!this.volume.isDead) throw error;
    }
    if (this.volume.isDead) return;
    for (const lane of lanes) begin(lane, lane.generation + 1);
  }

  async #append(store: FileMessageStore, flushDiskType: FlushDiskType): Promise<void> {
    const { random, volume } = this;
    for (let count = random.between(1, 5); count > 0; count--) {
      const lane = random.of(this.#lanes);
      const { topic, queueId, generation } = lane;
      const body = `${generation}/${lane.taken++}/`.padEnd(random.between(8, 300), 'x');
      store.append(storeMessage({ topic, queueId, body }), ({ status, queueOffset }) => {
        if (status !== 'PUT_OK' || volume.isDead || lane.generation !== generation) return;
        lane.stored = Math.max(lane.stored, queueOffset + 1);
        if (flushDiskType === 'SYNC_FLUSH') lane.safe = lane.stored;
      });
    }
    if (random.chance(0.7)) store.flushTurn();
    await this.turns();
  }

  /** What is found may be of the deletion that death cut short, or of before it: but one of the two, and whole. */
  async #check(store: FileMessageStore): Promise<void> {
    for (const lane of this.#lanes) {
      const { topic, queueId } = lane;
      const where = `${topic}/${queueId}`;
      const found = bodiesOf(await readQueue(store, topic, queueId)).map((body) => body.split('/').map(Number));
      if (lane.mayBeDeleted && found.length === 0) begin(lane, lane.generation + 1);
      lane.mayBeDeleted = false;
      for (const [offset, [generation, number]] of found.entries()) {
        if (generation !== lane.generation) throw new Violation(`${where}: a message of a deleted topic at ${offset}`);
        if (number !== offset) throw new Violation(`${where}: message ${number} is at ${offset}`);
      }
      if (found.length !== store.maxOffset(topic, queueId)) throw new Violation(`${where} has a hole`);
      if (found.length < lane.stored)
        throw new Violation(`${where}: ${found.length} of ${lane.stored} messages are left`);
      lane.taken = found.length;
      lane.stored = found.length;
    }
  }

  protected powerIsLost(): void {
    for (const lane of this.#lanes) lane.stored = lane.safe;
  }

  protected allIsSafe(): void {
    for (const lane of this.#lanes) lane.safe = lane.stored;
  }

  protected async settle(): Promise<void> {
    await (await this.open('ASYNC_FLUSH')).close();
  }

  protected betweenLivesMs(): number {
    return 1_000;
  }

  protected async open(flushDiskType: FlushDiskType): Promise<MortalStore> {
    const clock = virtualClock({ nowMs: this.nowMs });
    const store = await openMessageStore({
      dir: DIR,
      files: this.volume,
      clock,
      flushDiskType,
      mappedFileSizeCommitLog: 4_096,
      mappedFileSizeConsumeQueue: 100,
      flushConsumeQueueThoroughIntervalMs: 2_000,
      maxHashSlotNum: 3,
      maxIndexNum: 20,
      openFilesMax: this.random.of([2, 8, 512]),
    });
    await this.#check(store);
    return {
      clock,
      store,
      close: async () => {
        this.volume.releaseSyncs();
        await store.close();
      },
      forget: () => store.close(),
    };
  }
}

function begin(lane: Lane, generation: number): void {
  Object.assign(lane, { generation, taken: 0, stored: 0, safe: 0, mayBeDeleted: false });
}
