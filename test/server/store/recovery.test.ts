import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../core/runtime/logger.js';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { type OpenStoreOptions, openMessageStore } from '../../../core/server/store/open-message-store.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { append, appendAll, bodiesOf, readEverything, readQueue, SMALL_FILES, storeMessage } from './store-kit.js';

const DIR = '/data';
const file = (start: number): string => String(start).padStart(20, '0');

async function openOn(files: FaultyVolume, options: Partial<OpenStoreOptions> = {}): Promise<FileMessageStore> {
  const store = await openMessageStore({ dir: DIR, files, ...SMALL_FILES, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** A volume whose store was killed with these messages written; queues are spread over three. */
async function killedWith(bodies: readonly string[], spread = 3): Promise<FaultyVolume> {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await appendAll(
    store,
    bodies.map((body, index) => storeMessage({ body, queueId: index % spread, tag: 'a-tag' })),
  );
  return volume.loseProcess();
}

function overwrite(volume: FaultyVolume, path: string, position: number, bytes: Uint8Array): void {
  const opened = volume.open(path);
  opened.writevSync([bytes], position);
  opened.close();
}

const bodies = (count: number, length = 10): string[] =>
  Array.from({ length: count }, (_, index) => `${index} `.padEnd(length, 'x'));

test('after a kill everything that was acknowledged is there, and offsets go on', async () => {
  const all = bodies(100, 200);
  const killed = await killedWith(all, 1);
  expect(killed.exists(`${DIR}/abort`)).toBe(true);
  const store = await openOn(killed);
  expect(bodiesOf(await readQueue(store))).toEqual(all);
  expect(await append(store, { body: 'next' })).toMatchObject({ queueOffset: 100 });
  await store.close();
  expect(killed.exists(`${DIR}/abort`)).toBe(false);
  expect(bodiesOf(await readQueue(await openOn(killed)))).toEqual([...all, 'next']);
});

test('a log cut at any byte of its last records gives back a prefix, and goes on from there', async () => {
  const all = bodies(6);
  const killed = await killedWith(all);
  const recordSize = 91 + 'orders'.length + 10 + 'TAGS.a-tag'.length;
  const end = all.length * recordSize;
  for (let cut = end - 2 * recordSize; cut <= end; cut++) {
    const volume = killed.loseProcess();
    const log = volume.open(`${DIR}/commitlog/${file(0)}`);
    log.zero(cut, end - cut);
    const store = await openOn(volume);
    const whole = Math.floor(cut / recordSize);
    expect(store.statistics.commitLogMaxOffset).toBe(whole * recordSize);
    const found = (await readEverything(store)) as Record<string, string[]>;
    expect(Object.values(found).flat().sort()).toEqual(all.slice(0, whole));
    const rest = Buffer.alloc(recordSize * 2);
    log.readSync(rest, whole * recordSize);
    expect(rest.equals(Buffer.alloc(rest.length))).toBe(true);
    const queueId = whole % 3;
    expect(await append(store, { body: 'next', queueId })).toMatchObject({ queueOffset: Math.floor(whole / 3) });
    expect(bodiesOf(await readQueue(store, 'orders', queueId)).at(-1)).toBe('next');
    await store.close();
  }
});

test('a record whose properties end in a zero is torn at the end of the log, and kept in front of another', async () => {
  const volume = new FaultyVolume();
  const writer = await openOn(volume);
  const properties = { k: 'v?' };
  await append(writer, { body: 'odd', properties });
  const { commitLogOffset: firstEnd } = await append(writer, { body: 'even' });
  await append(writer, { body: 'odd again', properties });
  // Our store takes no such message, Apache's does.
  const log = `${DIR}/commitlog/${file(0)}`;
  for (const end of [firstEnd, writer.statistics.commitLogMaxOffset]) overwrite(volume, log, end - 1, Buffer.from([0]));
  expect(bodiesOf(await readQueue(await openOn(volume.loseProcess())))).toEqual(['odd', 'even']);
  await writer.close();
  expect(bodiesOf(await readQueue(await openOn(volume)))).toEqual(['odd', 'even', 'odd again']);
});

test('a record that lost a sector of its properties is not taken for whole', async () => {
  const volume = new FaultyVolume();
  const writer = await openOn(volume);
  await append(writer, { body: 'first' });
  await append(writer, { body: 'second', properties: { long: 'x'.repeat(1500) } });
  await append(writer, { body: 'third' });
  const killed = volume.loseProcess();
  killed.open(`${DIR}/commitlog/${file(0)}`).zero(512, 512);
  expect(bodiesOf(await readQueue(await openOn(killed)))).toEqual(['first']);
});

test('a last record with any byte damaged is found out where the layout can tell', async () => {
  const all = bodies(3);
  const killed = await killedWith(all, 1);
  const recordSize = 91 + 'orders'.length + 10 + 'TAGS.a-tag'.length;
  const body = 2 * recordSize + 88;
  for (let at = body; at < body + 10; at++) {
    const volume = killed.loseProcess();
    overwrite(volume, `${DIR}/commitlog/${file(0)}`, at, Buffer.from([0xff]));
    const store = await openOn(volume);
    expect(bodiesOf(await readQueue(store))).toEqual(all.slice(0, 2));
    await store.close();
  }
});

test('garbage behind the last record is cleared, and can never come back as a message', async () => {
  const killed = await killedWith(bodies(3), 1);
  const recordSize = 91 + 'orders'.length + 10 + 'TAGS.a-tag'.length;
  const path = `${DIR}/commitlog/${file(0)}`;
  overwrite(killed, path, 3 * recordSize, Buffer.alloc(50, 0xab));
  // A whole record of an earlier life, just where a record of the same size would end.
  const old = Buffer.alloc(recordSize);
  killed.open(path).readSync(old, 0);
  old.writeBigInt64BE(BigInt(4 * recordSize), 28);
  overwrite(killed, path, 4 * recordSize, old);
  const store = await openOn(killed);
  await append(store, { body: bodies(4)[3]! });
  await store.close();
  overwrite(killed, `${DIR}/checkpoint`, 0, Buffer.alloc(24));
  killed.create(`${DIR}/abort`, 0);
  expect(bodiesOf(await readQueue(await openOn(killed)))).toEqual(bodies(4));
});

test('files behind the one that holds the end are removed: zero ones, and ones with garbage', async () => {
  const killed = await killedWith(bodies(3), 1);
  const { mappedFileSizeCommitLog } = SMALL_FILES;
  killed.create(`${DIR}/commitlog/${file(mappedFileSizeCommitLog)}`, mappedFileSizeCommitLog);
  killed.create(`${DIR}/commitlog/${file(2 * mappedFileSizeCommitLog)}`, mappedFileSizeCommitLog);
  overwrite(killed, `${DIR}/commitlog/${file(2 * mappedFileSizeCommitLog)}`, 0, Buffer.alloc(100, 1));
  const store = await openOn(killed);
  expect(killed.list(`${DIR}/commitlog`)).toEqual([file(0)]);
  expect(bodiesOf(await readQueue(store))).toEqual(bodies(3));
});

test('a torn queue entry, missing queue files and entries beyond the log are made good from the log', async () => {
  const all = bodies(9);
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const writer = await openOn(volume, { clock });
  await appendAll(
    writer,
    all.map((body, index) => storeMessage({ body, queueId: index % 3, tag: `t${index}` })),
  );
  await clock.advance(1000);
  const killed = volume.loseProcess();
  const queueFile = (queueId: number) => `${DIR}/consumequeue/orders/${queueId}/${file(0)}`;
  expect([0, 1, 2].every((queueId) => killed.exists(queueFile(queueId)))).toBe(true);
  const before = Buffer.alloc(60);
  killed.open(queueFile(0)).readSync(before, 0);

  killed.open(queueFile(0)).zero(53, 7);
  killed.removeDirectory(`${DIR}/consumequeue/orders/1`);
  overwrite(killed, queueFile(2), 60, Buffer.concat([before.subarray(0, 20), Buffer.alloc(20, 1)]));
  const store = await openOn(killed);
  await expect(readEverything(store)).resolves.toEqual({
    'orders/0': [all[0], all[3], all[6]],
    'orders/1': [all[1], all[4], all[7]],
    'orders/2': [all[2], all[5], all[8]],
  });
  expect(await append(store, { body: 'next', queueId: 2 })).toMatchObject({ queueOffset: 3 });
  await store.close();
  const after = Buffer.alloc(60);
  killed.open(queueFile(0)).readSync(after, 0);
  expect(after.equals(before)).toBe(true);
  const behind = Buffer.alloc(100);
  killed.open(queueFile(2)).readSync(behind, 80);
  expect(behind.equals(Buffer.alloc(100))).toBe(true);
});

test('queues without any commit log are dropped', async () => {
  const killed = await killedWith(bodies(3), 1);
  killed.removeDirectory(`${DIR}/commitlog`);
  const store = await openOn(killed);
  expect([...store.queues()]).toEqual([]);
  expect(await append(store)).toMatchObject({ queueOffset: 0, commitLogOffset: 0 });
});

test('after a clean stop nothing but the end of the log is read again', async () => {
  const volume = new FaultyVolume();
  const first = await openOn(volume);
  await appendAll(
    first,
    bodies(30, 400).map((body) => storeMessage({ body })),
  );
  await first.close();
  // Damage that a scan would find: a clean start trusts.
  overwrite(volume, `${DIR}/commitlog/${file(0)}`, 100, Buffer.from([0xff]));
  const store = await openOn(volume);
  expect(store.maxOffset('orders', 0)).toBe(30);
  expect(await append(store)).toMatchObject({ queueOffset: 30 });
});

test('queues that never had a message of their own are not missed after a clean stop', async () => {
  const volume = new FaultyVolume();
  const first = await openOn(volume);
  await append(first);
  // A half message that nobody ended has no place in its queue.
  await append(first, { topic: 'prepared', sysFlag: 4 });
  expect(await append(first, { topic: 'refused', body: 'x'.repeat(5_000) })).toMatchObject({
    status: 'MESSAGE_ILLEGAL',
  });
  await first.close();
  const said: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void said.push(message) };
  await openOn(volume, { logger });
  expect(said).toEqual([]);
});

test('queues and log that do not agree after a clean stop are brought in line', async () => {
  const volume = new FaultyVolume();
  const first = await openOn(volume);
  await appendAll(
    first,
    bodies(3).map((body) => storeMessage({ body })),
  );
  await first.close();
  overwrite(volume, `${DIR}/commitlog/${file(0)}`, 2 * (91 + 6 + 10) + 90, Buffer.from([0xff]));
  const store = await openOn(volume);
  expect(bodiesOf(await readQueue(store))).toEqual(bodies(2));
});

test('a start that is killed while it brings queues in line was no clean stop, whoever stopped before it', async () => {
  const volume = new FaultyVolume();
  const first = await openOn(volume);
  for (const body of bodies(7)) await append(first, { body, queueId: Number(body[0]) % 2 });
  await first.close();
  // An Apache broker leaves no census, and the record that its queues name last is not there.
  volume.removeFile(`${DIR}/multistage.queues`);
  overwrite(volume, `${DIR}/commitlog/${file(0)}`, 6 * (91 + 6 + 10) + 90, Buffer.from([0xff]));
  const killed = volume.loseProcess();
  killed.fault = (operation, path) => {
    if (operation === 'create' && path.includes('/orders/1/')) killed.die();
    return undefined;
  };
  await expect(openOn(killed)).rejects.toMatchObject({ code: 'RMQ_STORE_UNUSABLE' });
  const store = await openOn(killed.loseProcess());
  expect(await readEverything(store)).toEqual({
    'orders/0': ['0 xxxxxxxx', '2 xxxxxxxx', '4 xxxxxxxx'],
    'orders/1': ['1 xxxxxxxx', '3 xxxxxxxx', '5 xxxxxxxx'],
  });
});

test('a scan begins at the file that the checkpoint names', async () => {
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const first = await openOn(volume, { clock });
  for (const body of bodies(20, 800)) {
    await append(first, { body });
    await clock.advance(1000);
  }
  await clock.advance(60_000);
  const killed = volume.loseProcess();
  // Damage in front of where the scan begins: what follows is found all the same.
  overwrite(killed, `${DIR}/commitlog/${file(0)}`, 100, Buffer.from([0xff]));
  const store = await openOn(killed);
  expect(store.maxOffset('orders', 0)).toBe(20);
  expect((await readQueue(store)).at(-1)!.body.toString()).toBe(bodies(20, 800)[19]);
});

test('a queue that begins above 0 is filled in front as Apache does it', async () => {
  const killed = await killedWith(bodies(5), 1);
  const recordSize = 91 + 'orders'.length + 10 + 'TAGS.a-tag'.length;
  for (let index = 0; index < 5; index++) {
    const offset = Buffer.alloc(8);
    offset.writeBigInt64BE(BigInt(25 + index));
    overwrite(killed, `${DIR}/commitlog/${file(0)}`, index * recordSize + 20, offset);
  }
  const store = await openOn(killed);
  expect([store.minOffset('orders', 0), store.maxOffset('orders', 0)]).toEqual([25, 30]);
  expect(bodiesOf(await readQueue(store))).toEqual(bodies(5));
  await store.close();
  // 10 entries a file: the file of entries 20 to 29, half of it filler.
  expect(killed.list(`${DIR}/consumequeue/orders/0`)).toEqual([file(400)]);
  const head = Buffer.alloc(20);
  killed.open(`${DIR}/consumequeue/orders/0/${file(400)}`).readSync(head, 80);
  expect(head.toString('hex')).toBe('00000000000000007fffffff0000000000000000');
  const again = await openOn(killed);
  expect([again.minOffset('orders', 0), again.maxOffset('orders', 0)]).toEqual([25, 30]);
});

test('after power failures what was flushed is there, and what is there is a prefix', async () => {
  const turn = fc.record({
    sizes: fc.array(fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.constant(0)), { minLength: 1, maxLength: 20 }),
    waitMs: fc.constantFrom(0, 0, 500, 1000, 60_000),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ turns: fc.array(turn, { maxLength: 8 }), isStopped: fc.boolean() }), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.integer(),
      async (lives, seed) => {
        const random = randomNumbers(seed);
        let volume = new FaultyVolume();
        let stored: { body: string; end: number }[] = [];
        for (const { turns, isStopped } of lives) {
          const clock = virtualClock();
          const store = await openMessageStore({ dir: DIR, files: volume, clock, ...SMALL_FILES });
          const found = await everyBody(store);
          expect(found).toEqual(stored.map(({ body }) => body).slice(0, found.length));
          stored = stored.slice(0, found.length);
          for (const { sizes, waitMs } of turns) {
            const messages = sizes.map((size, index) => {
              const body = `${stored.length + index} `.padEnd(size, '.');
              const properties = { padding: 'p'.repeat(1 + ((size * 7) % 1200)) };
              return storeMessage({ body, queueId: (stored.length + index) % 2, properties });
            });
            const results = await appendAll(store, messages);
            for (const [index, { status, commitLogOffset }] of results.entries()) {
              expect(status).toBe('PUT_OK');
              const { body, properties } = messages[index]!;
              const end = commitLogOffset + 97 + body.length + properties.length;
              stored.push({ body: Buffer.from(body).toString(), end });
            }
            await clock.advance(waitMs);
          }
          if (isStopped) await store.close();
          const { flushedOffset } = store.statistics;
          const flushed = stored.filter(({ end }) => end <= flushedOffset).length;
          if (isStopped) expect(flushed).toBe(stored.length);
          const after = volume.losePower(random);
          await store.close();
          volume = after;
          const reopened = await openMessageStore({ dir: DIR, files: volume.loseProcess(), ...SMALL_FILES });
          const survived = await everyBody(reopened);
          await reopened.close();
          expect(survived.length).toBeGreaterThanOrEqual(flushed);
          expect(survived).toEqual(stored.map(({ body }) => body).slice(0, survived.length));
        }
      },
    ),
    { numRuns: 100 },
  );
});

/** All bodies in the order in which they were appended, from both queues; they begin with their number. */
async function everyBody(store: FileMessageStore): Promise<string[]> {
  const found = Object.values(await readEverything(store)).flat();
  return found.sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
}

/** Numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
