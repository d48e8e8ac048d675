/** What is left of a topic that was deleted, and what must not come of it. */
import { expect, onTestFinished, test } from 'vitest';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { type OpenStoreOptions, openMessageStore } from '../../../core/server/store/open-message-store.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { nextTurn } from '../../kit/wait-for.js';
import { append, appendAll, readEverything, SMALL_FILES, storeMessage } from './store-kit.js';

const DIR = '/data';
const NOTES = `${DIR}/multistage.deleted`;

async function openOn(files: FaultyVolume, options: Partial<OpenStoreOptions> = {}): Promise<FileMessageStore> {
  const store = await openMessageStore({ dir: DIR, files, ...SMALL_FILES, clock: virtualClock(), ...options });
  onTestFinished(() => store.close());
  return store;
}

const messages = (count: number, words: string, topic = 'orders') =>
  Array.from({ length: count }, (_, number) => storeMessage({ topic, body: `${words} ${number}` }));

test('a start that reads the log again after a kill does not take its messages for those of a new topic', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await appendAll(store, messages(30, 'old'));
  store.deleteTopic('orders');
  expect(volume.list(`${DIR}/consumequeue`)).toEqual([]);
  await appendAll(store, messages(2, 'new'));
  const killed = volume.loseProcess();
  expect(await readEverything(await openOn(killed))).toEqual({ 'orders/0': ['new 0', 'new 1'] });
});

test('a clean start that reads on behind the newest queue passes over it too', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await appendAll(store, [...messages(1, 'stays', 'others'), ...messages(3, 'old')]);
  store.deleteTopic('orders');
  await store.close();
  const reopened = await openOn(volume);
  expect(await readEverything(reopened)).toEqual({ 'others/0': ['stays 0'] });
  expect(await append(reopened, { body: 'new' })).toMatchObject({ queueOffset: 0 });
});

test('so does one that makes all queues anew', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await appendAll(store, messages(3, 'old'));
  store.deleteTopic('orders');
  await append(store, { body: 'new' });
  await store.close();
  volume.removeDirectory(`${DIR}/consumequeue`);
  expect(await readEverything(await openOn(volume))).toEqual({ 'orders/0': ['new'] });
});

test('a kill between the note and the removal ends with the removal', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await appendAll(store, [...messages(30, 'old'), ...messages(1, 'stays', 'others')]);
  await store.close();
  const again = await openOn(volume);
  let killed: FaultyVolume | undefined;
  const { removeDirectory } = volume;
  volume.removeDirectory = (path) => {
    killed ??= volume.loseProcess();
    removeDirectory.call(volume, path);
  };
  again.deleteTopic('orders');
  expect(killed!.list(`${DIR}/consumequeue`)).toEqual(['orders', 'others']);
  expect(await readEverything(await openOn(killed!))).toEqual({ 'others/0': ['stays 0'] });
});

test('what was taken and waits for the disk goes too, and harms neither the flush nor who comes next', async () => {
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const store = await openOn(volume, { clock, flushDiskType: 'SYNC_FLUSH' });
  volume.holdSyncs();
  const waiting = append(store, { body: 'old' });
  store.flushTurn();
  const checkpoint = clock.advance(60_000);
  store.deleteTopic('orders');
  const next = append(store, { body: 'new' });
  store.flushTurn();
  volume.releaseSyncs();
  expect(await waiting).toMatchObject({ queueOffset: 0 });
  expect(await next).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
  await checkpoint;
  expect(await readEverything(store)).toEqual({ 'orders/0': ['new'] });
  expect(store.refusal).toBeUndefined();
  expect(await readEverything(await openOn(volume.loseProcess()))).toEqual({ 'orders/0': ['new'] });
});

test('a checkpoint that is under way does not stumble over directories that are gone', async () => {
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const store = await openOn(volume, { clock });
  await appendAll(store, [...messages(30, 'old'), ...messages(30, 'old', 'orders2'), ...messages(1, 'x', 'others')]);
  volume.holdSyncs();
  const checkpoint = clock.advance(60_000);
  await nextTurn();
  store.deleteTopic('orders');
  store.deleteTopic('orders2');
  volume.releaseSyncs();
  await checkpoint;
  expect(store.refusal).toBeUndefined();
  expect(await append(store, { body: 'new' })).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
});

test('where a power failure takes the end of the log, what is written there next is kept', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await append(store, { topic: 'others', body: 'safe' });
  await store.sync();
  const { commitLogMaxOffset: synced } = store.statistics;
  await appendAll(store, messages(5, 'old'));
  store.deleteTopic('orders');
  // Of what was written and not synced nothing is left, of the names that were synced all.
  const log = volume.open(`${DIR}/commitlog/${'0'.repeat(20)}`);
  log.zero(synced, log.sizeBytes - synced);
  const first = volume.loseProcess();
  const reopened = await openOn(first);
  expect(first.list(`${NOTES}/orders`)).toEqual([String(synced).padStart(20, '0')]);
  await append(reopened, { body: 'new' });
  expect(await readEverything(await openOn(first.loseProcess()))).toEqual({
    'others/0': ['safe'],
    'orders/0': ['new'],
  });
});

test('the note goes when the log begins behind it', async () => {
  const volume = new FaultyVolume();
  const options = { commitLogSizeBytesMax: 4_096, deleteCommitLogFilesIntervalMs: 0 };
  const store = await openOn(volume, options);
  await append(store, { body: 'old' });
  store.deleteTopic('orders');
  await appendAll(store, messages(60, 'x'.repeat(100), 'others'));
  await store.removeOldFiles();
  expect(store.statistics.commitLogMinOffset).toBeGreaterThan(0);
  await store.close();
  expect(volume.list(NOTES)).toEqual(['orders']);
  await openOn(volume, options);
  expect(volume.list(NOTES)).toEqual([]);
});

test('a topic that is deleted twice is noted by the later place', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  for (const body of ['older', 'old']) {
    await append(store, { body });
    store.deleteTopic('orders');
  }
  await append(store, { body: 'new' });
  const reopened = await openOn(volume.loseProcess());
  expect(await readEverything(reopened)).toEqual({ 'orders/0': ['new'] });
});

test('when it cannot be noted the topic stays as it is', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await appendAll(store, messages(3, 'old'));
  volume.fault = (operation) => {
    if (operation === 'syncDirectory') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return undefined;
  };
  expect(() => store.deleteTopic('orders')).toThrow('EIO');
  volume.fault = () => undefined;
  const everything = { 'orders/0': ['old 0', 'old 1', 'old 2', 'more'] };
  expect(await append(store, { body: 'more' })).toMatchObject({ queueOffset: 3 });
  expect(await readEverything(store)).toEqual(everything);
  expect(await readEverything(await openOn(volume.loseProcess()))).toEqual(everything);
});

test('a read of old messages that is under way ends with what was there', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume, { readAtOnceBytes: 0, hotBytes: 0 });
  await appendAll(store, messages(4, 'old'));
  const reading = store.get('orders', 0, 0, { messagesMax: 4 });
  expect(reading).toBeInstanceOf(Promise);
  store.deleteTopic('orders');
  expect((await reading).records).toHaveLength(4);
  expect(store.get('orders', 0, 0, { messagesMax: 4 })).toMatchObject({ status: 'NO_MESSAGE_IN_QUEUE' });
});

test('who reads on in a topic that was made again begins anew, and passes nothing over', async () => {
  const volume = new FaultyVolume();
  const store = await openOn(volume);
  await appendAll(store, [...messages(5, 'old'), ...messages(3, 'x', 'others')]);
  store.deleteTopic('orders');
  await appendAll(store, messages(3, 'new'));
  const ahead = { status: 'OFFSET_OVERFLOW_BADLY', minOffset: 0, maxOffset: 3 };
  const asked = (topic: string) => store.get(topic, 0, 5, { messagesMax: 1 });
  expect(asked('orders')).toMatchObject({ ...ahead, nextBeginOffset: 0 });
  expect(asked('others')).toMatchObject({ ...ahead, nextBeginOffset: 3 });
});
