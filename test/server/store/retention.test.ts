import { describe, expect, onTestFinished, test } from 'vitest';
import type { Logger } from '../../../core/runtime/logger.js';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import { type OpenStoreOptions, openMessageStore } from '../../../core/server/store/open-message-store.js';
import { isDeleteHour, parseDeleteWhen } from '../../../core/server/store/retention/delete-when.js';
import { type VirtualClock, virtualClock } from '../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { waitFor } from '../../kit/wait-for.js';
import { append, bodiesOf, readQueue, SMALL_FILES, storeMessage } from './store-kit.js';

const FILE_SIZE_BYTES = SMALL_FILES.mappedFileSizeCommitLog;

/** The local hour of a moment, as `deleteWhen` wants it. */
const hourOf = (timeMs: number): string => String(new Date(timeMs).getHours()).padStart(2, '0');

interface Lines {
  readonly logger: Logger;
  readonly lines: string[];
}

function capture(): Lines {
  const lines: string[] = [];
  const line = (message: string): void => void lines.push(message);
  return { lines, logger: { debug: line, info: line, warn: line, error: line } };
}

async function setup(options: Partial<OpenStoreOptions> = {}) {
  const volume = new FaultyVolume();
  // Half full: nothing has to go for want of room.
  volume.space = { freeBytes: 500, totalBytes: 1000 };
  const clock = virtualClock();
  const { logger, lines } = capture();
  const store = await open(volume, clock, { logger, ...options });
  return { volume, clock, store, lines };
}

async function open(volume: FaultyVolume, clock: VirtualClock, options: Partial<OpenStoreOptions> = {}) {
  const store = await openMessageStore({ dir: '/data', files: volume, clock, ...SMALL_FILES, ...options });
  onTestFinished(() => store.close());
  return store;
}

const logFiles = (volume: FaultyVolume): number[] => volume.list('/data/commitlog').map(Number);
const queueFiles = (volume: FaultyVolume, queue = 'orders/0'): number[] =>
  volume.list(`/data/consumequeue/${queue}`).map(Number);

/** Appends messages of 1000 bytes until the commit log has so many files; three fit into one. */
async function fill(store: FileMessageStore, filesCount: number, topic = 'orders'): Promise<void> {
  for (;;) {
    await append(store, { topic, body: `${store.maxOffset(topic, 0)} ${'x'.repeat(1000)}` });
    const { commitLogMaxOffset } = store.statistics;
    if (commitLogMaxOffset > (filesCount - 1) * FILE_SIZE_BYTES) return;
  }
}

/** One round that goes on as if time did not matter. */
async function round(store: FileMessageStore, clock: VirtualClock): Promise<void> {
  let ended = false;
  const work = store.removeOldFiles().finally(() => {
    ended = true;
  });
  while (!ended) await clock.advance(20);
  await work;
}

describe('by age', () => {
  test('whole files go 72 hours after their last message, in the hour for it, and never the last file', async () => {
    const { volume, clock, store } = await setup({ deleteWhen: hourOf(Date.UTC(2026, 0, 4, 1)) });
    await fill(store, 3);
    clock.setNow(Date.UTC(2026, 0, 1, 10));
    await fill(store, 5);
    expect(logFiles(volume)).toHaveLength(5);
    // Old enough, and not the hour.
    clock.setNow(Date.UTC(2026, 0, 4, 0, 30));
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(5);
    // The hour: the third file got its last messages at ten.
    clock.setNow(Date.UTC(2026, 0, 4, 1, 30));
    await round(store, clock);
    expect(logFiles(volume)).toEqual([2, 3, 4].map((number) => number * FILE_SIZE_BYTES));
    clock.setNow(Date.UTC(2026, 0, 5, 1, 30));
    await round(store, clock);
    expect(logFiles(volume)).toEqual([4 * FILE_SIZE_BYTES]);
    expect(store.statistics).toMatchObject({
      commitLogMinOffset: 4 * FILE_SIZE_BYTES,
      earliestStoreTimestamp: Date.UTC(2026, 0, 1, 10),
    });
    expect(bodiesOf(await readQueue(store))).toHaveLength(1);
    expect(await append(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 13 });
  });

  test('a round removes ten files with a pause between two, and the next one comes ten seconds later', async () => {
    const { volume, clock, store } = await setup({
      fileReservedTimeHours: 1,
      deleteWhen: hourOf(Date.UTC(2026, 0, 2)),
    });
    await fill(store, 25);
    await clock.advance(59_000);
    clock.setNow(Date.UTC(2026, 0, 2));
    expect(logFiles(volume)).toHaveLength(25);
    await clock.advance(1_050);
    await waitFor(() => logFiles(volume).length < 25, { what: 'the first file to go' });
    expect(logFiles(volume)).toHaveLength(24);
    await clock.advance(300);
    expect(logFiles(volume)).toHaveLength(21);
    await clock.advance(2_000);
    expect(logFiles(volume)).toHaveLength(15);
    await clock.advance(10_000);
    expect(logFiles(volume)).toHaveLength(5);
    await clock.advance(10_000);
    expect(logFiles(volume)).toHaveLength(1);
  });

  test.each([
    ['04', [4]],
    ['4', [4]],
    ['00;12; 23', [0, 12, 23]],
    ['24', undefined],
    ['', undefined],
    ['4,5', undefined],
    ['noon', undefined],
  ])('the hours %j are %j', (deleteWhen, hours) => {
    const parsed = parseDeleteWhen(deleteWhen);
    expect(parsed === undefined ? undefined : [...parsed]).toEqual(hours);
    for (let hour = 0; hour < 24; hour++) {
      const isHour = parsed !== undefined && isDeleteHour(parsed, new Date(2026, 5, 1, hour, 59).getTime());
      expect(isHour).toBe(hours?.includes(hour) ?? false);
    }
  });
});

describe('by disk usage', () => {
  test('above three quarters what is old goes at any hour, and what is young stays', async () => {
    const { volume, clock, store, lines } = await setup({ deleteWhen: hourOf(Date.UTC(2026, 0, 1, 12)) });
    await fill(store, 3);
    clock.setNow(Date.UTC(2026, 0, 4));
    await fill(store, 5);
    volume.space = { freeBytes: 240, totalBytes: 1000 };
    await round(store, clock);
    expect(logFiles(volume)[0]).toBe(2 * FILE_SIZE_BYTES);
    await round(store, clock);
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(3);
    expect(lines.filter((line) => line.includes('nothing is old enough'))).toHaveLength(1);
  });

  test('above 85 % the oldest goes however young it is, and writes go on', async () => {
    const { volume, clock, store } = await setup();
    await fill(store, 4);
    volume.space = { freeBytes: 140, totalBytes: 1000 };
    await round(store, clock);
    expect(logFiles(volume)).toEqual([3 * FILE_SIZE_BYTES]);
    expect((await append(store)).status).toBe('PUT_OK');
  });

  test('what is young stays when it may not be removed by force', async () => {
    const { volume, clock, store } = await setup({ cleanFileForciblyEnable: false });
    await fill(store, 4);
    volume.space = { freeBytes: 10, totalBytes: 1000 };
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(4);
  });

  test('the ratios are options', async () => {
    const { volume, clock, store } = await setup({ diskSpaceCleanForciblyRatio: 0.4, diskMaxUsedSpaceRatio: 0.3 });
    await fill(store, 4);
    expect(logFiles(volume)).toHaveLength(4);
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(1);
  });

  test('a full disk that gets room by it takes writes again at once', async () => {
    const { volume, clock, store } = await setup();
    await fill(store, 4);
    volume.space = { freeBytes: 50, totalBytes: 1000 };
    await store.checkDisk();
    expect((await append(store)).status).toBe('SERVICE_NOT_AVAILABLE');
    const { removeFile } = volume;
    volume.removeFile = (path) => {
      removeFile.call(volume, path);
      volume.space = { freeBytes: volume.space.freeBytes + 100, totalBytes: 1000 };
    };
    await round(store, clock);
    expect(store.refusal).toBeUndefined();
    expect((await append(store)).status).toBe('PUT_OK');
  });
});

test('by size: the commit log gets no longer than it may, at any hour', async () => {
  const { volume, clock, store } = await setup({ commitLogSizeBytesMax: 3 * FILE_SIZE_BYTES });
  await fill(store, 7);
  await round(store, clock);
  expect(logFiles(volume)).toEqual([4, 5, 6].map((number) => number * FILE_SIZE_BYTES));
  await fill(store, 20);
  await round(store, clock);
  await round(store, clock);
  expect(logFiles(volume)).toHaveLength(3);
});

describe('the watermark', () => {
  test('does not flap: a disk that was full takes writes again when it has clearly room', async () => {
    const { volume, store } = await setup();
    const refusalAt = async (used: number): Promise<string | undefined> => {
      volume.space = { freeBytes: 1000 - used, totalBytes: 1000 };
      await store.checkDisk();
      return store.refusal;
    };
    expect(await refusalAt(900)).toBeUndefined();
    expect(await refusalAt(901)).toBe('the disk is full: 90.1 % used, at most 90.0 % are allowed');
    expect(await refusalAt(899)).toBe('the disk is full: 89.9 % used, at most 89.1 % after it was full');
    expect(await refusalAt(891)).toBeUndefined();
    expect(await refusalAt(899)).toBeUndefined();
  });
});

describe('a reader of a range that is removed', () => {
  test('is told where the queue begins now, and goes on there', async () => {
    const { clock, store, volume } = await setup();
    await fill(store, 4);
    const maxOffset = store.maxOffset('orders', 0);
    volume.space = { freeBytes: 140, totalBytes: 1000 };
    await round(store, clock);
    const minOffset = store.minOffset('orders', 0);
    expect([minOffset, maxOffset]).toEqual([9, 10]);
    expect(await store.get('orders', 0, 4, { messagesMax: 32 })).toEqual({
      status: 'OFFSET_TOO_SMALL',
      records: [],
      nextBeginOffset: minOffset,
      minOffset,
      maxOffset,
    });
    expect(await store.get('orders', 0, minOffset, { messagesMax: 32 })).toMatchObject({ status: 'FOUND' });
    expect(await store.recordAt(0)).toBeUndefined();
    expect(await store.offsetByTime('orders', 0, 0)).toBe(minOffset);
  });

  test('that is gone from the log and not yet from its queue is sent on', async () => {
    const { clock, store, volume } = await setup();
    await fill(store, 4);
    volume.space = { freeBytes: 140, totalBytes: 1000 };
    // The round stops in its first pause: the first file of the log is gone, the queue was not looked at.
    const stopped = store.removeOldFiles();
    await waitFor(() => logFiles(volume).length === 3, { what: 'the first file to go' });
    expect(store.minOffset('orders', 0)).toBe(0);
    expect(await store.get('orders', 0, 0, { messagesMax: 2 })).toMatchObject({
      status: 'MESSAGE_WAS_REMOVING',
      nextBeginOffset: 2,
      records: [],
    });
    const beyond = await store.get('orders', 0, 2, { messagesMax: 32 });
    expect([beyond.status, beyond.nextBeginOffset, beyond.records.length]).toEqual(['FOUND', 10, 7]);
    await clock.advance(1_000);
    await stopped;
    expect(store.minOffset('orders', 0)).toBe(9);
  });

  test('of a queue that lost everything is told where it goes on, also after a restart', async () => {
    const { clock, store, volume } = await setup({ commitLogSizeBytesMax: FILE_SIZE_BYTES });
    await append(store, { topic: 'quiet' });
    await fill(store, 4);
    await round(store, clock);
    expect([store.minOffset('quiet', 0), store.maxOffset('quiet', 0)]).toEqual([1, 1]);
    expect(await store.get('quiet', 0, 0, { messagesMax: 1 })).toMatchObject({
      status: 'OFFSET_TOO_SMALL',
      nextBeginOffset: 1,
    });
    await store.close();
    const reopened = await open(volume, clock);
    expect([reopened.minOffset('quiet', 0), reopened.maxOffset('quiet', 0)]).toEqual([1, 1]);
    expect(await append(reopened, { topic: 'quiet' })).toMatchObject({ queueOffset: 1 });
    expect(bodiesOf(await readQueue(reopened, 'quiet'))).toEqual(['hello']);
  });
});

describe('queues and index', () => {
  test('lose the files that name only what is gone, and never their last one', async () => {
    const { clock, store, volume } = await setup({ commitLogSizeBytesMax: FILE_SIZE_BYTES });
    await append(store, { topic: 'quiet' });
    for (let number = 0; number < 45; number++) await append(store, { body: 'x'.repeat(1000) });
    await round(store, clock);
    await round(store, clock);
    // Ten entries a file: the queue begins at 45 of 45, or a few before.
    expect(queueFiles(volume)).toEqual([800]);
    expect(queueFiles(volume, 'quiet/0')).toEqual([0]);
    expect(store.minOffset('orders', 0)).toBeGreaterThan(40);
  });

  test('index files go with what they index, also where no index is kept', async () => {
    const { clock, store: before, volume } = await setup();
    await before.close();
    volume.mkdir('/data/index');
    const ends = [100, FILE_SIZE_BYTES, 10 * FILE_SIZE_BYTES, 0];
    for (const [number, end] of ends.entries()) {
      const header = Buffer.alloc(40);
      header.writeBigInt64BE(BigInt(end), 24);
      const file = volume.create(`/data/index/2026010100000000${number}`, 40 + 16 * 4 + 50 * 20);
      file.writevSync([header], 0);
      file.close();
    }
    volume.create('/data/index/notes', 1).close();
    const options = { commitLogSizeBytesMax: FILE_SIZE_BYTES, messageIndexEnable: false };
    const store = await open(volume, clock, options);
    await fill(store, 5);
    await round(store, clock);
    expect(volume.list('/data/index')).toEqual(['20260101000000002', '20260101000000003', 'notes']);
  });

  test('a process killed between log and queues: the first round of the next start removes the rest', async () => {
    const { clock, store, volume } = await setup({ commitLogSizeBytesMax: FILE_SIZE_BYTES });
    for (let number = 0; number < 45; number++) await append(store, { body: 'x'.repeat(1000) });
    const { removeFile } = volume;
    volume.removeFile = (path) => {
      if (path.includes('consumequeue')) volume.die();
      removeFile.call(volume, path);
    };
    const removing = store.removeOldFiles().catch(() => undefined);
    await clock.advance(5_000);
    await removing;
    expect([volume.isDead, logFiles(volume).length]).toEqual([true, 5]);
    const found = volume.loseProcess();
    const before = queueFiles(found);
    expect(before[0]).toBe(0);
    const reopened = await open(found, clock, { commitLogSizeBytesMax: FILE_SIZE_BYTES });
    expect(reopened.minOffset('orders', 0)).toBeGreaterThan(0);
    expect(bodiesOf(await readQueue(reopened)).length).toBe(45 - reopened.minOffset('orders', 0));
    await round(reopened, clock);
    await round(reopened, clock);
    expect(queueFiles(found)).toEqual([800]);
    expect(await append(reopened)).toMatchObject({ status: 'PUT_OK', queueOffset: 45 });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('the power may fail in the middle of it (%i)', async (seed) => {
    let state = seed * 7919;
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const { clock, store, volume } = await setup({
      commitLogSizeBytesMax: FILE_SIZE_BYTES,
      flushDiskType: 'SYNC_FLUSH',
    });
    await append(store, { topic: 'quiet' });
    for (let number = 0; number < 45; number++) await append(store, { body: `${number} ${'x'.repeat(1000)}` });
    let removals = Math.floor(random() * 16);
    const { removeFile } = volume;
    volume.removeFile = (path) => {
      removeFile.call(volume, path);
      if (removals-- === 0) volume.die();
    };
    const round = store.removeOldFiles().catch(() => undefined);
    await clock.advance(40_000);
    await round;
    const found = volume.losePower(random);
    const reopened = await open(found, clock, { commitLogSizeBytesMax: FILE_SIZE_BYTES });
    expect([reopened.minOffset('quiet', 0), reopened.maxOffset('quiet', 0)]).toEqual([expect.any(Number), 1]);
    const bodies = bodiesOf(await readQueue(reopened)).map((body) => Number(body.split(' ')[0]));
    const first = reopened.minOffset('orders', 0);
    expect(bodies).toEqual(Array.from({ length: 45 - first }, (_, number) => first + number));
    expect(await append(reopened)).toMatchObject({ status: 'PUT_OK', queueOffset: 45 });
  });
});

test('nothing is removed while queues cannot be put on the disk', async () => {
  const { clock, store, volume } = await setup({ commitLogSizeBytesMax: FILE_SIZE_BYTES });
  await fill(store, 4);
  volume.fault = (operation, path) => {
    if (operation === 'create' && path.includes('consumequeue')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return undefined;
  };
  await clock.advance(600);
  await round(store, clock);
  expect(logFiles(volume)).toHaveLength(4);
});

test('a disk that is full to the last byte gets room by what is on it already', async () => {
  const { clock, store, volume } = await setup();
  await fill(store, 3);
  // The checkpoint of the minute.
  await clock.advance(60_000);
  await fill(store, 4);
  volume.fault = (operation) => {
    if (operation === 'write') throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    return undefined;
  };
  volume.space = { freeBytes: 0, totalBytes: 1000 };
  const { removeFile } = volume;
  volume.removeFile = (path) => {
    removeFile.call(volume, path);
    volume.fault = () => undefined;
  };
  await clock.advance(1_000);
  expect(store.refusal).toBe('a write failed (ENOSPC)');
  await round(store, clock);
  expect(logFiles(volume)[0]).toBeGreaterThanOrEqual(FILE_SIZE_BYTES);
});

test('where a volume does not say how full it is, what is old goes all the same, and failed writes are tried again', async () => {
  const { clock, store, volume, lines } = await setup({ commitLogSizeBytesMax: FILE_SIZE_BYTES });
  volume.freeSpace = () => Promise.reject(new Error('ENOSYS'));
  await fill(store, 3);
  await round(store, clock);
  expect(logFiles(volume)).toEqual([2 * FILE_SIZE_BYTES]);
  volume.fault = (operation) => {
    if (operation === 'write') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return undefined;
  };
  expect((await append(store)).status).toBe('SERVICE_NOT_AVAILABLE');
  volume.fault = () => undefined;
  await clock.advance(20_000);
  expect((await append(store)).status).toBe('PUT_OK');
  expect(lines.filter((line) => line.includes('cannot be seen'))).toHaveLength(1);
});

test('a stop does not wait for a pause between two files', async () => {
  const { store, volume } = await setup({ commitLogSizeBytesMax: FILE_SIZE_BYTES });
  await fill(store, 6);
  await store.checkDisk();
  const removing = store.removeOldFiles();
  await waitFor(() => logFiles(volume).length === 5, { what: 'the first file to go' });
  await store.close();
  await removing;
  expect(logFiles(volume)).toHaveLength(5);
  expect(volume.exists('/data/abort')).toBe(false);
});

test('a memory store gives back what it removes', async () => {
  const files = createMemoryStoreFiles(2 ** 30);
  const clock = virtualClock();
  const store = await openMessageStore({
    dir: '/data',
    files,
    clock,
    mappedFileSizeCommitLog: 64 * 1024,
    mappedFileSizeConsumeQueue: 2000,
    commitLogSizeBytesMax: 256 * 1024,
  });
  onTestFinished(() => store.close());
  const used = async (): Promise<number> => {
    const { freeBytes, totalBytes } = await files.freeSpace('/data');
    return totalBytes - freeBytes;
  };
  const peaks: number[] = [];
  for (let turn = 0; turn < 6; turn++) {
    for (let number = 0; number < 300; number++) {
      store.append(storeMessage({ body: Buffer.alloc(1000) }), () => undefined);
    }
    await clock.advance(1_000);
    await round(store, clock);
    peaks.push(await used());
  }
  expect(Math.max(...peaks)).toBeLessThan(600 * 1024);
});

test.each([
  ['deleteWhen', '24'],
  ['deleteWhen', 4],
  ['fileReservedTimeHours', -1],
  ['commitLogSizeBytesMax', 0],
  ['diskMaxUsedSpaceRatio', 75],
  ['diskSpaceCleanForciblyRatio', -0.1],
  ['cleanFileForciblyEnable', 'yes'],
  ['cleanResourceIntervalMs', 0],
  ['deleteCommitLogFilesIntervalMs', -1],
])('the option %s is refused when it is %j', async (option, value) => {
  const files = createMemoryStoreFiles();
  await expect(openMessageStore({ dir: '/data', files, [option]: value })).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option,
  });
});

describe('when an operator asks for it', () => {
  test('what is old goes at any hour, for twenty rounds, and what is young stays', async () => {
    const { volume, clock, store } = await setup({ deleteWhen: hourOf(Date.UTC(2026, 0, 1, 12)) });
    await fill(store, 3);
    clock.setNow(Date.UTC(2026, 0, 4, 1));
    await fill(store, 4);
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(4);
    await Promise.all([store.cleaning.removeExpired(), clock.advance(1_000)]);
    expect(logFiles(volume)).toEqual([2, 3].map((number) => number * FILE_SIZE_BYTES));
    for (let rounds = 0; rounds < 20; rounds++) await round(store, clock);
    clock.setNow(Date.UTC(2026, 0, 8, 1));
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(2);
  });

  test('by changing how long messages are kept', async () => {
    const { volume, clock, store } = await setup({ deleteWhen: hourOf(Date.UTC(2026, 0, 4, 1)) });
    await fill(store, 3);
    clock.setNow(Date.UTC(2026, 0, 4, 1));
    store.change({ fileReservedTimeHours: 300 });
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(3);
    expect(() => store.change({ fileReservedTimeHours: -1 })).toThrow('fileReservedTimeHours');
    store.change({ fileReservedTimeHours: 1, deleteWhen: '00;01;02;03;04;05;06;07;08;09;10;11;12;13' });
    await round(store, clock);
    expect(logFiles(volume)).toHaveLength(1);
  });

  test('a queue without messages keeps its last file, and goes on where it was', async () => {
    const { volume, clock, store } = await setup({ commitLogSizeBytesMax: FILE_SIZE_BYTES });
    await fill(store, 5);
    const next = store.maxOffset('orders', 0);
    await fill(store, 10, 'others');
    await round(store, clock);
    expect(store.minOffset('orders', 0)).toBe(next);
    await store.cleaning.cleanQueues();
    expect(queueFiles(volume)).toHaveLength(1);
    expect(await append(store)).toMatchObject({ queueOffset: next });
  });
});
