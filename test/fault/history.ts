import { readRecord } from '../../core/message/message-record.js';
import { encodeProperties } from '../../core/message/properties.js';
import type { FileMessageStore } from '../../core/server/store/file-message-store.js';
import { openMessageStore } from '../../core/server/store/open-message-store.js';
import { type VirtualClock, virtualClock } from '../../core/testing/virtual-clock.js';
import { nextTurn } from '../kit/wait-for.js';
import { type Fault, FaultyVolume } from './faulty-volume.js';
import { type End, type Found, Ledger, type Sent, Violation } from './ledger.js';
import { Random } from './random.js';

const DIR = '/data/store';
const CONFIG = 'offsets.json';
const TOPIC = 'orders';
const QUEUES = 3;
const DISK_CHECK_MS = 1000;
const LOG_FILE_SIZE_BYTES = 4096;
/** Born and store host are IPv4; properties come on top. */
const RECORD_OVERHEAD_BYTES = 91 + TOPIC.length;

type FlushDiskType = Sent['flushDiskType'];

/**
 * One history: stores that live one after the other on one volume, take messages and configurations, are read, meet
 * failing and short writes, failing and slow syncs, lose what is too much, and end by a stop, a kill in the middle of
 * anything or a power failure. Everything is decided by the seed.
 * @throws Violation when a store broke its word
 */
export async function runHistory(seed: number): Promise<void> {
  const history = new History(seed);
  await history.run();
}

class History {
  readonly #random: Random;
  readonly #ledger = new Ledger();
  #volume = new FaultyVolume();
  #configs = 0;
  /** Where all records are of one size, what was left behind by mistake lies just where the next one could begin. */
  readonly #bodyLength: number | undefined;
  readonly #commitLogSizeBytesMax: number | undefined;
  readonly #maxIndexNum: number;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#bodyLength = this.#random.chance(0.5) ? this.#random.between(8, 600) : undefined;
    this.#commitLogSizeBytesMax = this.#random.of([undefined, undefined, LOG_FILE_SIZE_BYTES, 2 * LOG_FILE_SIZE_BYTES]);
    this.#maxIndexNum = this.#random.of([4, 20, 200]);
  }

  async run(): Promise<void> {
    const random = this.#random;
    // The directory above belongs to whoever runs the server.
    this.#volume.mkdir('/data');
    this.#volume.syncDirectorySync('/');
    let end: End = 'close';
    for (let lives = random.between(2, 4); lives > 0; lives--) end = await this.#live(end);
    const store = await this.#open(virtualClock(), 'ASYNC_FLUSH');
    await this.#check(store, end);
    await store.close();
  }

  /** From opening a store to its end, which is returned. */
  async #live(before: End): Promise<End> {
    const random = this.#random;
    const clock = virtualClock();
    const flushDiskType: FlushDiskType = random.chance(0.6) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH';
    const end = await this.#dieWhileOpening(before, clock, flushDiskType);
    const store = await this.#open(clock, flushDiskType);
    await this.#check(store, end);
    for (let steps = random.between(1, 14); steps > 0 && !this.#volume.isDead; steps--) {
      await this.#step(store, clock, flushDiskType);
    }
    return this.#end(store);
  }

  /** A store may be killed, or meet a bad disk, before it is open. */
  async #dieWhileOpening(before: End, clock: VirtualClock, flushDiskType: FlushDiskType): Promise<End> {
    if (!this.#random.chance(0.15)) return before;
    this.#volume.fault = this.#dieLater(this.#random.between(0, 12));
    let store: FileMessageStore | undefined;
    try {
      store = await this.#open(clock, flushDiskType);
    } catch (error) {
      if (error instanceof Violation || !this.#volume.isDead) throw error;
    }
    this.#volume.die();
    await store?.close();
    return this.#crash(before);
  }

  async #step(store: FileMessageStore, clock: VirtualClock, flushDiskType: FlushDiskType): Promise<void> {
    const random = this.#random;
    switch (random.between(0, 12)) {
      case 0:
        this.#volume.fault = this.#badDisk();
        return;
      case 1:
        this.#volume.fault = () => undefined;
        return clock.advance(DISK_CHECK_MS);
      case 2:
        return clock.advance(random.of([500, 1000, 2000]));
      case 3:
        return this.#read(store, flushDiskType);
      case 4:
        return this.#writeConfig(store);
      case 5:
        this.#volume.holdSyncs();
        return;
      case 6:
        this.#volume.releaseSyncs();
        return nextTurn();
      case 7:
        this.#volume.fault = this.#dieLater(random.between(0, 8));
        return;
      case 8:
        return this.#removeOldFiles(store);
      default:
        return this.#append(store, flushDiskType);
    }
  }

  /** One turn's messages. */
  async #append(store: FileMessageStore, flushDiskType: FlushDiskType): Promise<void> {
    const random = this.#random;
    const volume = this.#volume;
    for (let count = random.between(1, 6); count > 0; count--) {
      const parts = { queueId: random.between(0, QUEUES - 1), flushDiskType, waitStored: random.chance(0.85) };
      const length = random.chance(0.3) ? random.between(0, 1500) : random.between(0, 100);
      const sent = this.#ledger.take(parts, this.#bodyLength ?? length);
      const message = {
        topic: TOPIC,
        queueId: sent.queueId,
        flag: 0,
        sysFlag: 0,
        bornTimestamp: 1,
        bornHost: '127.0.0.1:50000',
        storeHost: '127.0.0.1:10911',
        reconsumeTimes: 0,
        preparedTransactionOffset: 0,
        body: Buffer.from(sent.body),
        properties: propertiesOf(sent),
        tagsCode: 0,
        waitStored: sent.waitStored,
      };
      store.append(message, (result) => {
        if (!volume.isDead) this.#ledger.answered(sent, result);
      });
    }
    if (random.chance(0.7)) store.flushTurn();
    for (let turns = random.between(0, 3); turns > 0; turns--) await nextTurn();
  }

  /** May take as long as syncs are held, and may be cut short by what the disk does. */
  async #removeOldFiles(store: FileMessageStore): Promise<void> {
    const removing = store.removeOldFiles().catch((error: unknown) => {
      if (error instanceof Violation) throw error;
    });
    if (this.#random.chance(0.7)) {
      this.#volume.releaseSyncs();
      await removing;
    }
  }

  async #writeConfig(store: FileMessageStore): Promise<void> {
    const volume = this.#volume;
    const text = `{${++this.#configs}}`;
    this.#ledger.configBegun(text);
    const written = store.writeConfig(CONFIG, text).then(
      () => {
        if (!volume.isDead) this.#ledger.configWritten(text);
      },
      // Then either text may be found.
      () => undefined,
    );
    if (this.#random.chance(0.8)) {
      volume.releaseSyncs();
      await written;
    }
  }

  #read(store: FileMessageStore, flushDiskType: FlushDiskType): void {
    const fault = this.#volume.fault;
    this.#volume.fault = () => undefined;
    const found = findAll(store);
    this.#ledger.removed(store.statistics.commitLogMinOffset);
    this.#ledger.read(found, flushDiskType);
    this.#volume.fault = fault;
  }

  async #end(store: FileMessageStore): Promise<End> {
    const { flushedOffset, commitLogMinOffset } = store.statistics;
    this.#ledger.removed(commitLogMinOffset);
    if (this.#volume.isDead || this.#random.chance(0.7)) {
      this.#ledger.synced(flushedOffset, recordEnd);
      const end = this.#random.chance(0.5) ? 'kill' : 'power';
      // A kill in the moment between a failed sync and its mark is beyond what a process can promise.
      await nextTurn();
      this.#volume.die();
      await store.close();
      return this.#crash(end);
    }
    this.#volume.releaseSyncs();
    await store.close();
    if (this.#volume.isDead) return this.#crash('kill');
    this.#ledger.synced(flushedOffset, recordEnd);
    this.#volume = this.#volume.loseProcess();
    return 'close';
  }

  /** After a death: what is left of the volume. A power failure before it counts on. */
  #crash(end: End): End {
    const isPower = end === 'power';
    this.#volume = isPower ? this.#volume.losePower(this.#random.next) : this.#volume.loseProcess();
    return isPower ? 'power' : 'kill';
  }

  async #open(clock: VirtualClock, flushDiskType: FlushDiskType): Promise<FileMessageStore> {
    return openMessageStore({
      dir: DIR,
      files: this.#volume,
      clock,
      flushDiskType,
      mappedFileSizeCommitLog: LOG_FILE_SIZE_BYTES,
      mappedFileSizeConsumeQueue: 200,
      syncFlushTimeoutMs: 1500,
      flushConsumeQueueThoroughIntervalMs: 2000,
      diskCheckIntervalMs: DISK_CHECK_MS,
      commitLogSizeBytesMax: this.#commitLogSizeBytesMax,
      deleteCommitLogFilesIntervalMs: 0,
      maxHashSlotNum: 3,
      maxIndexNum: this.#maxIndexNum,
      openFilesMax: this.#random.of([2, 8, 512]),
    });
  }

  async #check(store: FileMessageStore, end: End): Promise<void> {
    const found = findAll(store);
    this.#ledger.removed(store.statistics.commitLogMinOffset);
    this.#ledger.reopened(found, end);
    await checkIndex(store, found);
    this.#ledger.configFound(await store.readConfig(CONFIG));
  }

  /** The process dies at the n-th thing it does to the volume, in the middle of it. */
  #dieLater(operations: number): Fault {
    let left = operations;
    const volume = this.#volume;
    return (operation) => {
      if (operation === 'read' || left-- > 0) return undefined;
      volume.die();
      if (operation === 'write') return this.#random.between(0, 2000);
      return operation === 'create' ? 0 : undefined;
    };
  }

  /** Some of what is asked of the disk fails. */
  #badDisk(): Fault {
    const random = this.#random;
    const rate = random.of([0.05, 0.3, 1]);
    const kinds = random.of([
      ['write'],
      ['sync'],
      ['create', 'write'],
      ['syncDirectory', 'rename'],
      ['short'],
      ['short', 'write'],
    ]);
    return (operation) => {
      if (operation === 'write' && kinds.includes('short') && random.chance(0.5)) return random.between(1, 300);
      if (!kinds.includes(operation) || !random.chance(rate)) return undefined;
      const code = operation === 'sync' || random.chance(0.5) ? 'EIO' : 'ENOSPC';
      throw Object.assign(new Error(code), { code, dropsDirty: random.chance(0.5) });
    };
  }
}

function recordEnd(sent: Sent): number {
  return sent.commitLogOffset + RECORD_OVERHEAD_BYTES + propertiesOf(sent).length + sent.body.length;
}

/** Every message has a key that it shares with its queue, and one of its own. */
function propertiesOf({ id, queueId }: Pick<Sent, 'id' | 'queueId'>): Buffer {
  return encodeProperties({ KEYS: `queue${queueId}`, UNIQ_KEY: `id${id}` });
}

/** Every message that can be read is found by its keys, each once, and nothing else is. */
async function checkIndex(store: FileMessageStore, found: readonly Found[]): Promise<void> {
  const idsOf = async (key: string): Promise<string> => {
    const range = { begin: 0, end: Number.MAX_SAFE_INTEGER };
    const { records } = await store.query({ topic: TOPIC, key, messagesMax: 1_000_000, ...range });
    return records.map((record) => Number.parseInt(readRecord(record, 0).body.toString(), 10)).join();
  };
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const expected = found.filter((one) => one.queueId === queueId).map(({ id }) => id);
    const ids = await idsOf(`queue${queueId}`);
    if (ids !== expected.join()) throw new Violation(`the index knows ${ids} of queue ${queueId}, not ${expected}`);
  }
  const last = found.at(-1);
  if (last !== undefined && (await idsOf(`id${last.id}`)) !== String(last.id))
    throw new Violation(`message ${last.id} is not found by its unique key`);
}

/** Every message of every queue; whether each queue is read without a gap is checked on the way. */
function findAll(store: FileMessageStore): Found[] {
  const found: Found[] = [];
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const maxOffset = store.maxOffset(TOPIC, queueId);
    // While old files are removed, entries of the queue may be left that name what is gone: in front of all others.
    let mayBeRemoved = true;
    for (let offset = store.minOffset(TOPIC, queueId); offset < maxOffset; ) {
      const result = store.get(TOPIC, queueId, offset, { messagesMax: 32 });
      // At once, so that nothing is answered meanwhile.
      if ('then' in result) throw new Violation('young messages are not read at once');
      if (result.status === 'MESSAGE_WAS_REMOVING' && mayBeRemoved) {
        offset = result.nextBeginOffset;
        continue;
      }
      if (result.status !== 'FOUND') throw new Violation(`queue ${queueId} at ${offset}: ${result.status}`);
      for (const bytes of result.records) {
        const { body, queueOffset, physicalOffset: commitLogOffset } = readRecord(bytes, 0);
        if (queueOffset !== offset && !(mayBeRemoved && queueOffset > offset))
          throw new Violation(`queue ${queueId}: ${queueOffset} where ${offset} is due`);
        mayBeRemoved = false;
        offset = queueOffset + 1;
        const text = body.toString();
        found.push({ id: Number.parseInt(text, 10), queueId, queueOffset, commitLogOffset, body: text });
      }
    }
  }
  return found;
}
