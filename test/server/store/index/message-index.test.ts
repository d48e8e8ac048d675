import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecord } from '../../../../core/message/message-record.js';
import { SysFlag } from '../../../../core/message/sys-flag.js';
import { javaStringHash } from '../../../../core/message/tag-hash.js';
import type { FileMessageStore } from '../../../../core/server/store/file-message-store.js';
import { createMemoryStoreFiles } from '../../../../core/server/store/files/memory-store-files.js';
import type { StoreFile, StoreFiles } from '../../../../core/server/store/files/store-files.js';
import { indexFileName } from '../../../../core/server/store/index/index-layout.js';
import type { MessageQuery } from '../../../../core/server/store/message-store.js';
import { type OpenStoreOptions, openMessageStore } from '../../../../core/server/store/open-message-store.js';
import { virtualClock } from '../../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../../fault/faulty-volume.js';
import { replaced } from '../../../kit/replaced.js';
import { nextTurn } from '../../../kit/wait-for.js';
import { append, appendAll, SMALL_FILES, storeMessage } from '../store-kit.js';

const DIR = '/data';
const INDEX = `${DIR}/index`;
/** 40 bytes of header, 16 slots, 50 entries. */
const FILE_SIZE_BYTES = 40 + 16 * 4 + 50 * 20;

async function openOn(files: StoreFiles, options: Partial<OpenStoreOptions> = {}): Promise<FileMessageStore> {
  const store = await openMessageStore({ dir: DIR, files, ...SMALL_FILES, ...options });
  onTestFinished(() => store.close());
  return store;
}

async function bodiesFound(store: FileMessageStore, query: Partial<MessageQuery> = {}): Promise<string[]> {
  const { records } = await store.query({
    ...{ topic: 'orders', key: 'a', messagesMax: 64, begin: 0, end: Number.MAX_SAFE_INTEGER },
    ...query,
  });
  return records.map((record) => readRecord(record, 0).body.toString());
}

const keyed = (body: string, KEYS: string, UNIQ_KEY?: string) =>
  storeMessage({ body, properties: { KEYS, ...(UNIQ_KEY !== undefined && { UNIQ_KEY }) } });

function bytesOf(files: StoreFiles, path: string): Buffer {
  const file = files.open(path);
  const bytes = Buffer.alloc(file.sizeBytes);
  file.readSync(bytes, 0);
  file.close();
  return bytes;
}

/** What the files of the index hold, without their names, which tell when they were made. */
const indexBytes = (files: StoreFiles): string[] =>
  files.list(INDEX).map((name) => bytesOf(files, `${INDEX}/${name}`).toString('hex'));

describe('messages are found', () => {
  test('by each of their keys and by their unique key, in the order of the log, as soon as they can be read', async () => {
    const store = await openOn(createMemoryStoreFiles());
    await appendAll(store, [keyed('1', 'a b', 'U1'), keyed('2', 'b'), keyed('3', ' c  a ', 'U3'), storeMessage()]);
    expect(await bodiesFound(store)).toEqual(['1', '3']);
    expect(await bodiesFound(store, { key: 'b' })).toEqual(['1', '2']);
    expect(await bodiesFound(store, { key: 'U3' })).toEqual(['3']);
    expect(await bodiesFound(store, { key: 'd' })).toEqual([]);
    await appendAll(store, [keyed('5', 'a')]);
    expect(await bodiesFound(store)).toEqual(['1', '3', '5']);
  });

  test('of their own topic only, and not by another key of the same hash', async () => {
    const store = await openOn(createMemoryStoreFiles());
    // Java hashes Aa and BB to the same.
    await append(store, { body: 'mine', properties: { KEYS: 'Aa' } });
    await append(store, { body: 'other key', properties: { KEYS: 'BB' } });
    await append(store, { topic: 'others', body: 'other topic', properties: { KEYS: 'Aa' } });
    expect(await bodiesFound(store, { key: 'Aa' })).toEqual(['mine']);
    expect(await bodiesFound(store, { key: 'BB' })).toEqual(['other key']);
  });

  test('by keys beyond ASCII, and by one that hashes to the smallest number', async () => {
    const store = await openOn(createMemoryStoreFiles());
    // hashCode('orders#…') is -2^31, whose absolute value Java cannot say.
    const smallest = keyOfHash(-(2 ** 31), 'orders#');
    expect(javaStringHash(`orders#${smallest}`)).toBe(-(2 ** 31));
    await append(store, { body: '你好', properties: { KEYS: 'Schlüssel 键 🔑' } });
    await append(store, { body: 'smallest', properties: { KEYS: smallest } });
    for (const key of ['Schlüssel', '键', '🔑']) expect(await bodiesFound(store, { key })).toEqual(['你好']);
    expect(await bodiesFound(store, { key: smallest })).toEqual(['smallest']);
  });

  test('the newest where more have the key than were asked for', async () => {
    const store = await openOn(createMemoryStoreFiles());
    await appendAll(
      store,
      Array.from({ length: 120 }, (_, number) => keyed(String(number), 'a')),
    );
    expect(await bodiesFound(store, { messagesMax: 3 })).toEqual(['117', '118', '119']);
    expect(await bodiesFound(store, { messagesMax: 0 })).toEqual([]);
  });

  test('by their store time, to the millisecond', async () => {
    const clock = virtualClock();
    const store = await openOn(createMemoryStoreFiles(), { clock });
    const start = clock.now();
    for (const [index, ms] of [0, 400, 999, 1000, 1700, 60_000].entries()) {
      clock.setNow(start + ms);
      await append(store, { body: `${ms}`, properties: { KEYS: `a only${index}` } });
    }
    const from = (begin: number, end: number) => bodiesFound(store, { begin: start + begin, end: start + end });
    expect(await from(400, 1000)).toEqual(['400', '999', '1000']);
    expect(await from(401, 1699)).toEqual(['999', '1000']);
    expect(await from(1701, 59_999)).toEqual([]);
    expect(await from(60_000, 60_000)).toEqual(['60000']);
    expect(await from(-1000, -1)).toEqual([]);
  });

  test('in a transaction that was committed or is prepared, not in one that was rolled back', async () => {
    const store = await openOn(createMemoryStoreFiles());
    const { TRANSACTION_PREPARED, TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = SysFlag;
    for (const sysFlag of [TRANSACTION_PREPARED, TRANSACTION_COMMIT, TRANSACTION_ROLLBACK]) {
      await append(store, { body: `${sysFlag}`, sysFlag, properties: { KEYS: 'a' } });
    }
    expect(await bodiesFound(store)).toEqual([`${TRANSACTION_PREPARED}`, `${TRANSACTION_COMMIT}`]);
  });

  test('under synchronous flush only when they are on the disk', async () => {
    const volume = new FaultyVolume();
    const store = await openOn(volume, { flushDiskType: 'SYNC_FLUSH' });
    await append(store, { body: 'safe', properties: { KEYS: 'a' } });
    expect(await bodiesFound(store)).toEqual(['safe']);
    volume.holdSyncs();
    const appended = append(store, { body: 'on its way', properties: { KEYS: 'a' } });
    store.flushTurn();
    expect(await bodiesFound(store)).toEqual(['safe']);
    volume.releaseSyncs();
    await appended;
    expect(await bodiesFound(store)).toEqual(['safe', 'on its way']);
  });

  test('no longer when they were removed for their age', async () => {
    const clock = virtualClock();
    const volume = new FaultyVolume();
    const options = { clock, commitLogSizeBytesMax: 4096, deleteCommitLogFilesIntervalMs: 0 };
    const store = await openOn(volume, options);
    for (let number = 0; number < 30; number++) {
      await append(store, { body: `${number}`.padEnd(1000), properties: { KEYS: `a b${number} c d e` } });
    }
    expect(await bodiesFound(store)).toHaveLength(30);
    expect(volume.list(INDEX)).toHaveLength(4);
    await store.removeOldFiles();
    await store.removeOldFiles();
    const first = Math.ceil(30 - (await bodiesFound(store)).length);
    expect(first).toBeGreaterThan(20);
    expect(await bodiesFound(store, { key: `b${first - 1}` })).toEqual([]);
    expect(await bodiesFound(store, { key: `b${first}` })).toHaveLength(1);
    expect(volume.list(INDEX).length).toBeLessThan(4);
    // The newest stays whatever it names.
    expect(volume.list(INDEX).length).toBeGreaterThan(0);
  });

  test('by those who ask while old ones are removed', async () => {
    const volume = createMemoryStoreFiles();
    let held: Promise<void> | undefined;
    const open = (path: string): StoreFile => {
      const file = volume.open(path);
      const read: StoreFile['read'] = async (target, position) => {
        if (path.startsWith(INDEX)) await held;
        return file.read(target, position);
      };
      return replaced(file, { read });
    };
    const files: StoreFiles = replaced(volume, { open });
    const options = { clock: virtualClock(), commitLogSizeBytesMax: 4096, deleteCommitLogFilesIntervalMs: 0 };
    const store = await openOn(files, { ...options, openFilesMax: 2 });
    for (let number = 0; number < 30; number++) {
      await append(store, { body: `${number}`.padEnd(1000), properties: { KEYS: `a b${number} c d e` } });
    }
    expect(await bodiesFound(store)).toHaveLength(30);
    let goOn = (): void => {};
    held = new Promise((resolve) => {
      goOn = resolve;
    });
    const asked = bodiesFound(store);
    await nextTurn();
    await store.removeOldFiles();
    expect(volume.list(INDEX).length).toBeLessThan(4);
    goOn();
    expect((await asked).at(-1)?.trim()).toBe('29');
  });

  test('nowhere without an index, and by a later start that has one', async () => {
    const volume = new FaultyVolume();
    const without = await openOn(volume, { messageIndexEnable: false });
    await appendAll(without, [keyed('1', 'a')]);
    expect(await bodiesFound(without)).toEqual([]);
    await without.close();
    expect(volume.exists(INDEX)).toBe(false);
    expect(await bodiesFound(await openOn(volume))).toEqual(['1']);
  });
});

describe('the files of the index', () => {
  const messages = (count: number, from = 0) =>
    Array.from({ length: count }, (_, number) => keyed(`${from + number}`, `a b${from + number}`, `U${from + number}`));

  test('are made in the background with the first key, and follow one another', async () => {
    const clock = virtualClock();
    const volume = new FaultyVolume();
    const store = await openOn(volume, { clock });
    await append(store, { body: 'no keys' });
    await clock.advance(1_000);
    expect(volume.list(INDEX)).toEqual([]);
    await appendAll(store, messages(1));
    expect(volume.list(INDEX)).toEqual([]);
    await clock.advance(1_000);
    const [name] = volume.list(INDEX);
    expect(name).toBe(indexFileName(clock.now()));
    expect(bytesOf(volume, `${INDEX}/${name}`)).toHaveLength(FILE_SIZE_BYTES);
    // 3 keys each: 49 entries a file, made while the clock stands still.
    await appendAll(store, messages(40, 1));
    expect(await bodiesFound(store, { key: 'b40' })).toEqual(['40']);
    expect(volume.list(INDEX)).toHaveLength(3);
  });

  test('are the same however they came about: little by little, at once, or made anew by a later start', async () => {
    const little = new FaultyVolume();
    const clock = virtualClock();
    const slow = await openOn(little, { clock });
    for (const message of messages(60)) {
      await appendAll(slow, [message]);
      await bodiesFound(slow);
    }
    await slow.close();
    const once = new FaultyVolume();
    const fast = await openOn(once, { clock });
    await appendAll(fast, messages(60));
    await fast.close();
    expect(indexBytes(once)).toEqual(indexBytes(little));
    const again = once.loseProcess();
    again.removeDirectory(INDEX);
    await (await openOn(again, { clock })).close();
    expect(indexBytes(again)).toEqual(indexBytes(little));
    // 60 × 3 keys in files of 49 entries: keys of one message lie in two of them.
    expect(indexBytes(again)).toHaveLength(4);
  });

  test('go on after a clean stop without being made anew', async () => {
    const volume = new FaultyVolume();
    const first = await openOn(volume);
    await appendAll(first, messages(17));
    await first.close();
    const names = volume.list(INDEX);
    const before = indexBytes(volume);
    const second = await openOn(volume);
    await bodiesFound(second);
    expect([volume.list(INDEX), indexBytes(volume)]).toEqual([names, before]);
    await appendAll(second, messages(17, 17));
    expect(await bodiesFound(second)).toHaveLength(34);
    expect(volume.list(INDEX).slice(0, names.length)).toEqual(names);
  });

  test('of another size are thrown away and made anew', async () => {
    const volume = new FaultyVolume();
    const first = await openOn(volume, { maxHashSlotNum: 20 });
    await appendAll(first, messages(40));
    await first.close();
    const second = await openOn(volume);
    expect(await bodiesFound(second)).toHaveLength(40);
    for (const name of volume.list(INDEX)) expect(bytesOf(volume, `${INDEX}/${name}`)).toHaveLength(FILE_SIZE_BYTES);
  });

  test('that name what the log does not have are made anew', async () => {
    const volume = new FaultyVolume();
    const first = await openOn(volume);
    await appendAll(first, messages(40));
    await first.close();
    for (const path of ['commitlog', 'consumequeue']) volume.removeDirectory(`${DIR}/${path}`);
    const second = await openOn(volume);
    await appendAll(second, messages(3));
    expect(await bodiesFound(second)).toEqual(['0', '1', '2']);
    expect(volume.list(INDEX)).toHaveLength(1);
  });

  test('are named in rising order also when the clock goes back', () => {
    const now = Date.UTC(2026, 0, 1);
    const name = indexFileName(now);
    expect(indexFileName(now, name)).toBe(String(BigInt(name) + 1n));
    expect(indexFileName(now - 86_400_000, name) > name).toBe(true);
    expect(indexFileName(now + 1, name)).toBe(indexFileName(now + 1));
  });
});

describe('a disk that does not take the index', () => {
  test('refuses no message, and what was missed is found when it takes it again', async () => {
    const volume = new FaultyVolume();
    const store = await openOn(volume);
    await appendAll(store, [keyed('1', 'a')]);
    expect(await bodiesFound(store)).toEqual(['1']);
    volume.fault = (operation, path) => {
      if (operation === 'write' && path.startsWith(INDEX)) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      return undefined;
    };
    const [result] = await appendAll(store, [keyed('2', 'a')]);
    expect(result?.status).toBe('PUT_OK');
    expect(await bodiesFound(store)).toEqual(['1']);
    volume.fault = () => undefined;
    expect(await bodiesFound(store)).toEqual(['1', '2']);
  });

  test('where one file ends and the next begins, hides nothing that is in the files before', async () => {
    const clock = virtualClock();
    const volume = new FaultyVolume();
    const store = await openOn(volume, { clock });
    const begin = clock.now() - 1;
    // 49 entries a file: it is full.
    await appendAll(
      store,
      Array.from({ length: 49 }, (_, number) => keyed(`${number}`, number === 48 ? 'last' : 'a')),
    );
    expect(await bodiesFound(store, { key: 'last', begin })).toEqual(['48']);
    const [full] = volume.list(INDEX);
    volume.fault = (operation, path) => {
      if (operation !== 'write' || !path.startsWith(INDEX) || path.endsWith(full!)) return undefined;
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    };
    await appendAll(store, [keyed('49', 'last')]);
    const { records, indexLastUpdateTimestamp, indexLastUpdateOffset } = await store.query({
      ...{ topic: 'orders', key: 'last', messagesMax: 64, begin, end: Number.MAX_SAFE_INTEGER },
    });
    expect(volume.list(INDEX)).toHaveLength(2);
    expect(records.map((record) => readRecord(record, 0).body.toString())).toEqual(['48']);
    expect([indexLastUpdateTimestamp, indexLastUpdateOffset > 0]).toEqual([begin + 1, true]);
    volume.fault = () => undefined;
    expect(await bodiesFound(store, { key: 'last', begin })).toEqual(['48', '49']);
  });

  test('at a sync loses the file, which is made anew', async () => {
    const clock = virtualClock();
    const volume = new FaultyVolume();
    const store = await openOn(volume, { clock });
    await appendAll(store, [keyed('1', 'a')]);
    expect(await bodiesFound(store)).toEqual(['1']);
    const names = volume.list(INDEX);
    volume.fault = (operation, path) => {
      if (operation !== 'sync' || !path.startsWith(INDEX)) return undefined;
      throw Object.assign(new Error('EIO'), { code: 'EIO', dropsDirty: true });
    };
    await clock.advance(60_000);
    for (const name of names) expect(volume.exists(`${INDEX}/${name}`)).toBe(false);
    volume.fault = () => undefined;
    expect(store.refusal).toBeUndefined();
    expect(await bodiesFound(store)).toEqual(['1']);
  });
});

describe('the checkpoint', () => {
  const indexTimestamp = (volume: FaultyVolume): number =>
    Number(bytesOf(volume, `${DIR}/checkpoint`).readBigInt64BE(16));

  test('names the time up to which the index is on the disk, once no other message can have it', async () => {
    const clock = virtualClock();
    const volume = new FaultyVolume();
    const store = await openOn(volume, { clock });
    await appendAll(store, [keyed('1', 'a')]);
    const storedAt = clock.now();
    await clock.advance(60_000);
    expect(indexTimestamp(volume)).toBe(storedAt);
    await appendAll(store, [keyed('2', 'a')]);
    await store.close();
    expect(indexTimestamp(volume)).toBe(clock.now() - 1);
  });
});

/** A text whose Java hash, behind what stands in front of it, is the one wanted: seven digits to base 31 reach any. */
function keyOfHash(wanted: number, before: string): string {
  const zeros = javaStringHash(`${before}0000000`);
  const digits: number[] = [];
  for (let left = (wanted - zeros) >>> 0; digits.length < 7; left = Math.floor(left / 31)) digits.unshift(left % 31);
  return digits.map((digit) => String.fromCharCode(48 + digit)).join('');
}
