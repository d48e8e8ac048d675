import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecord } from '../../core/message/message-record.js';
import { SysFlag } from '../../core/message/sys-flag.js';
import { tagsCodeOf } from '../../core/message/tag-hash.js';
import type { MessageStore as BrokerMessageStore } from '../../core/server/broker/message-store.js';
import type { FileMessageStore } from '../../core/server/store/file-message-store.js';
import type { StoreFiles } from '../../core/server/store/files/store-files.js';
import { type OpenStoreOptions, openMessageStore } from '../../core/server/store/open-message-store.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { waitFor } from '../kit/wait-for.js';
import {
  append,
  appendAll,
  bodiesOf,
  readEverything,
  readQueue,
  SMALL_FILES,
  storeMessage,
} from '../server/store/store-kit.js';

/** What a store has to do, whatever its files are kept in. */
export function storeContract(name: string, setup: () => { files: StoreFiles; dir: string }): void {
  describe(`message store: ${name}`, () => {
    const opener = () => {
      const place = setup();
      return async (options: Partial<OpenStoreOptions> = {}): Promise<FileMessageStore> => {
        const store = await openMessageStore({ ...place, ...SMALL_FILES, ...options });
        onTestFinished(() => store.close());
        return store;
      };
    };

    test('satisfies what the broker needs', async () => {
      const store: BrokerMessageStore = await opener()();
      expect(store.refusal).toBeUndefined();
    });

    test('a topic that is deleted has no messages any more, and begins at offset 0 again', async () => {
      const open = opener();
      const store = await open();
      const parts = [
        ...Array.from({ length: 30 }, (_, number) => storeMessage({ body: `old ${number}`, queueId: number % 2 })),
        storeMessage({ topic: 'others', body: 'stays' }),
      ];
      await appendAll(store, parts);
      store.deleteTopic('orders');
      expect(await readEverything(store)).toEqual({ 'others/0': ['stays'] });
      expect([store.minOffset('orders', 0), store.maxOffset('orders', 0)]).toEqual([0, 0]);
      expect(store.get('orders', 0, 3, { messagesMax: 1 })).toMatchObject({ status: 'NO_MESSAGE_IN_QUEUE' });
      expect(await append(store, { body: 'new' })).toMatchObject({ queueOffset: 0 });
      const everything = { 'orders/0': ['new'], 'others/0': ['stays'] };
      expect(await readEverything(store)).toEqual(everything);
      await store.close();
      expect(await readEverything(await open())).toEqual(everything);
    });

    test('deleting a topic that is not there changes nothing', async () => {
      const store = await opener()();
      await append(store);
      store.deleteTopic('others');
      expect(await readEverything(store)).toEqual({ 'orders/0': ['hello'] });
    });

    test('messages come back whole, in order, with offsets from 0 and positions that follow one another', async () => {
      const store = await opener()();
      const results = await appendAll(
        store,
        ['a', 'b', 'c'].map((body) => storeMessage({ body, tag: 'T', properties: { KEYS: 'k' } })),
      );
      expect(results.map(({ status, queueOffset }) => [status, queueOffset])).toEqual([
        ['PUT_OK', 0],
        ['PUT_OK', 1],
        ['PUT_OK', 2],
      ]);
      const records = await readQueue(store);
      expect(bodiesOf(records)).toEqual(['a', 'b', 'c']);
      expect(records.map((record) => record.queueOffset)).toEqual([0, 1, 2]);
      expect(records.map((record) => record.physicalOffset)).toEqual(results.map((result) => result.commitLogOffset));
      expect(records[0]).toMatchObject({
        topic: 'orders',
        queueId: 0,
        bornHost: '127.0.0.1:50000',
        storeHost: '127.0.0.1:10911',
        storeTimestamp: results[0]!.storeTimestamp,
      });
      expect(records[0]!.properties.toString()).toContain('KEYS\u0001k');
    });

    test('queues count for themselves, and the store lists those that have messages', async () => {
      const store = await opener()();
      for (const [topic, queueId] of [
        ['a', 0],
        ['b', 0],
        ['a', 3],
        ['a', 0],
      ] as const) {
        await append(store, { topic, queueId });
      }
      expect(store.maxOffset('a', 0)).toBe(2);
      expect(store.maxOffset('a', 3)).toBe(1);
      expect(store.maxOffset('none', 0)).toBe(0);
      const listed = [...store.queues()].map(({ topic, queueId }) => `${topic}/${queueId}`);
      expect(listed.sort()).toEqual(['a/0', 'a/3', 'b/0']);
    });

    test('what one turn brings goes down in one write at its end, and is announced once it can be read', async () => {
      const store = await opener()();
      const seen: string[] = [];
      store.onArrival((topic, queueId, queueOffset, tagsCode) => {
        const result = store.get(topic, queueId, queueOffset, { messagesMax: 1 });
        seen.push(`arrived ${queueOffset} ${tagsCode} ${'records' in result && result.records.length}`);
      });
      for (const tag of ['x', 'y'])
        store.append(storeMessage({ tag }), ({ queueOffset }) => seen.push(`stored ${queueOffset}`));
      expect(store.maxOffset('orders', 0)).toBe(0);
      expect(seen).toEqual([]);
      store.flushTurn();
      expect(seen).toEqual([
        'stored 0',
        'stored 1',
        `arrived 0 ${tagsCodeOf('x')} 1`,
        `arrived 1 ${tagsCodeOf('y')} 1`,
      ]);
    });

    test('a callback or listener that throws keeps nobody else from his answer', async () => {
      const store = await opener()();
      const answered: number[] = [];
      store.onArrival(() => {
        throw new Error('listener');
      });
      store.append(storeMessage(), () => {
        throw new Error('callback');
      });
      store.append(storeMessage(), ({ queueOffset }) => answered.push(queueOffset));
      store.flushTurn();
      expect(answered).toEqual([1]);
      expect((await append(store)).queueOffset).toBe(2);
    });

    test('messages that fill many files come back after a restart, and offsets go on', async () => {
      const open = opener();
      const first = await open();
      const bodies = Array.from({ length: 200 }, (_, index) => `message ${index} ${'x'.repeat((index * 37) % 900)}`);
      for (const body of bodies) await append(first, { body });
      expect(first.statistics.commitLogMaxOffset).toBeGreaterThan(20 * SMALL_FILES.mappedFileSizeCommitLog);
      expect(bodiesOf(await readQueue(first))).toEqual(bodies);
      await first.close();
      const second = await open();
      expect(bodiesOf(await readQueue(second))).toEqual(bodies);
      expect(await append(second, { body: 'next' })).toMatchObject({ status: 'PUT_OK', queueOffset: 200 });
      expect(bodiesOf(await readQueue(second)).at(-1)).toBe('next');
    });

    test('a restart without messages changes nothing', async () => {
      const open = opener();
      await (await open()).close();
      await (await open()).close();
      const store = await open();
      expect(store.statistics).toMatchObject({
        commitLogMinOffset: 0,
        commitLogMaxOffset: 0,
        earliestStoreTimestamp: -1,
      });
      expect((await append(store)).queueOffset).toBe(0);
    });

    test('a file is filled to its last record that fits with 8 bytes to spare', async () => {
      const store = await opener()();
      const overhead = 91 + 'orders'.length;
      const whole = SMALL_FILES.mappedFileSizeCommitLog - 8;
      expect((await append(store, { body: 'x'.repeat(whole - overhead + 1) })).status).toBe('MESSAGE_ILLEGAL');
      const fits = await append(store, { body: 'x'.repeat(whole - overhead) });
      expect(fits).toMatchObject({ status: 'PUT_OK', commitLogOffset: 0 });
      expect(await append(store, { body: 'y' })).toMatchObject({ commitLogOffset: whole + 8 });
      expect((await readQueue(store)).map(({ body }) => body.length)).toEqual([whole - overhead, 1]);
    });

    test('a message that the layout cannot hold is refused and takes no offset', async () => {
      const store = await opener()({ maxMessageSize: 100 });
      for (const parts of [
        { body: 'x'.repeat(101) },
        { topic: 'x'.repeat(128) },
        { topic: '../up' },
        { topic: '' },
        { queueId: -1 },
        { queueId: 1.5 },
      ]) {
        expect(await append(store, parts)).toEqual({
          status: 'MESSAGE_ILLEGAL',
          commitLogOffset: -1,
          queueOffset: -1,
          storeTimestamp: 0,
        });
      }
      const [tooManyProperties, noAddress] = await appendAll(store, [
        { ...storeMessage(), properties: Buffer.alloc(32_768) },
        { ...storeMessage(), bornHost: 'localhost' },
      ]);
      expect([tooManyProperties!.status, noAddress!.status]).toEqual(['MESSAGE_ILLEGAL', 'MESSAGE_ILLEGAL']);
      expect(await append(store)).toMatchObject({ queueOffset: 0, commitLogOffset: 0 });
      expect(store.statistics).toMatchObject({ messagesPut: 1, putFailures: 8 });
    });

    test('an IPv6 host is stored as such', async () => {
      const store = await opener()();
      await appendAll(store, [{ ...storeMessage(), bornHost: '[::1]:80', storeHost: '[2001:db8::1]:10911' }]);
      expect((await readQueue(store))[0]).toMatchObject({
        bornHost: '[::1]:80',
        storeHost: '[2001:db8::1]:10911',
        sysFlag: SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6,
      });
      expect(await store.storeTimeAt('orders', 0, 0)).toBeGreaterThan(0);
    });

    test('an IPv4 host is stored as such, also where the flags pass it off as IPv6', async () => {
      const store = await opener()();
      await append(store, { sysFlag: SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6 | SysFlag.COMPRESSED });
      const { bornHost, storeHost } = storeMessage();
      expect((await readQueue(store))[0]).toMatchObject({ bornHost, storeHost, sysFlag: SysFlag.COMPRESSED });
    });

    test('transactions that are not committed are stored without a place in the queue', async () => {
      const store = await opener()();
      const arrived: number[] = [];
      store.onArrival((_topic, _queueId, queueOffset) => arrived.push(queueOffset));
      const prepared = await append(store, { body: 'prepared', sysFlag: SysFlag.TRANSACTION_PREPARED });
      await append(store, { body: 'rolled back', sysFlag: SysFlag.TRANSACTION_ROLLBACK });
      await append(store, { body: 'committed', sysFlag: SysFlag.TRANSACTION_COMMIT });
      expect(bodiesOf(await readQueue(store))).toEqual(['committed']);
      expect(arrived).toEqual([0]);
      const record = await store.recordAt(prepared.commitLogOffset);
      expect(record).toMatchObject({ queueOffset: 0, topic: 'orders' });
    });

    test.each([
      ['a queue that is not there', 'none', 0, 'NO_MESSAGE_IN_QUEUE', 0],
      ['the end', 'orders', 3, 'OFFSET_OVERFLOW_ONE', 3],
      ['beyond the end', 'orders', 9, 'OFFSET_OVERFLOW_BADLY', 3],
      ['before the beginning', 'orders', -1, 'OFFSET_TOO_SMALL', 0],
    ] as const)('an offset at %s says so', async (_where, topic, offset, status, nextBeginOffset) => {
      const store = await opener()();
      for (let index = 0; index < 3; index++) await append(store);
      const result = await store.get(topic, 0, offset, { messagesMax: 32 });
      expect(result).toMatchObject({ status, nextBeginOffset, records: [] });
    });

    test('a queue whose messages are on their way says that it has none', async () => {
      const store = await opener()();
      store.append(storeMessage(), () => undefined);
      expect(await store.get('orders', 0, 0, { messagesMax: 1 })).toMatchObject({ status: 'NO_MESSAGE_IN_QUEUE' });
      store.flushTurn();
      expect(await store.get('orders', 0, 0, { messagesMax: 1 })).toMatchObject({ status: 'FOUND' });
    });

    test('an answer ends with 32 messages, with 256 KiB, or with what was asked for', async () => {
      const store = await opener()({ mappedFileSizeCommitLog: 1024 * 1024 });
      await appendAll(
        store,
        Array.from({ length: 50 }, () => storeMessage()),
      );
      const big = 'x'.repeat(100_000);
      for (let index = 0; index < 4; index++) await append(store, { queueId: 1, body: big });
      const count = async (queueId: number, messagesMax: number, sizeBytesMax?: number) => {
        const limits = sizeBytesMax === undefined ? { messagesMax } : { messagesMax, sizeBytesMax };
        const { records, nextBeginOffset } = await store.get('orders', queueId, 0, limits);
        expect(nextBeginOffset).toBe(records.length);
        return records.length;
      };
      expect(await count(0, 100)).toBe(32);
      expect(await count(0, 7)).toBe(7);
      expect(await count(0, 32, 1)).toBe(1);
      expect(await count(1, 32)).toBe(2);
    });

    test('cold messages come asynchronously, at most 8 or 64 KiB at a time', async () => {
      const store = await opener()({ hotBytes: 0, readAtOnceBytes: 0 });
      const bodies = Array.from({ length: 20 }, (_, index) => `${index}`);
      for (const body of bodies) await append(store, { body });
      const answer = store.get('orders', 0, 0, { messagesMax: 32 });
      expect(answer).toBeInstanceOf(Promise);
      expect((await answer).records).toHaveLength(8);
      expect(bodiesOf(await readQueue(store))).toEqual(bodies);
      expect(store.isCold('orders', 0, 0)).toBe(true);
      expect(store.isCold('orders', 0, 99)).toBe(false);
    });

    test('young messages come at once and stay as they are', async () => {
      const store = await opener()();
      await append(store, { body: 'first' });
      const answer = store.get('orders', 0, 0, { messagesMax: 32 });
      if (!('records' in answer)) throw new Error('expected an answer at once');
      for (let index = 0; index < 100; index++) await append(store, { body: 'later' });
      expect(readRecord(answer.records[0]!, 0).body.toString()).toBe('first');
      expect(store.isCold('orders', 0, 0)).toBe(false);
    });

    test.each([
      ['young', {}],
      ['cold', { hotBytes: 0, readAtOnceBytes: 0 }],
    ])('records that are %s are shown one after the other, without what is not there', async (age, options) => {
      const store = await opener()(options);
      const bodies = Array.from({ length: 40 }, (_, index) => `${index} ${'x'.repeat(index * 20)}`);
      for (const body of bodies) await append(store, { body });
      const visit = async (offset: number, count: number) => {
        const seen: (readonly [number, string])[] = [];
        const visiting = store.visit('orders', 0, offset, count, (queueOffset, source, position) => {
          const record = readRecord(source, position);
          expect(record.queueOffset).toBe(queueOffset);
          seen.push([queueOffset, record.body.toString()]);
        });
        expect(visiting instanceof Promise).toBe(age === 'cold' && seen.length === 0 && offset < 40);
        await visiting;
        return seen;
      };
      expect(await visit(0, 40)).toEqual([...bodies.entries()]);
      expect(await visit(-2, 4)).toEqual([...bodies.slice(0, 2).entries()]);
      expect((await visit(38, 9)).map(([offset]) => offset)).toEqual([38, 39]);
      expect(await visit(40, 9)).toEqual([]);
      expect(store.visit('nothing', 0, 0, 9, () => expect.unreachable())).toBeUndefined();
    });

    test('a filter sees tag hashes, and what it passes over is behind the reader', async () => {
      const store = await opener()();
      for (const tag of ['a', 'b', 'b', 'a', 'b']) await append(store, { tag, body: tag });
      const matching = (tag: string) => ({
        messagesMax: 32,
        matchesTagsCode: (tagsCode: number) => tagsCode === tagsCodeOf(tag),
      });
      const found = await store.get('orders', 0, 0, matching('a'));
      expect([found.status, found.records.length, found.nextBeginOffset]).toEqual(['FOUND', 2, 5]);
      const none = await store.get('orders', 0, 1, matching('c'));
      expect([none.status, none.records.length, none.nextBeginOffset]).toEqual(['NO_MATCHED_MESSAGE', 0, 5]);
    });

    test('a record is found by its position, and nowhere else', async () => {
      const store = await opener()();
      const { commitLogOffset } = await append(store, { body: 'one' });
      await append(store, { body: 'two' });
      expect((await store.recordAt(commitLogOffset))!.body.toString()).toBe('one');
      for (const offset of [-1, 1, 7, 0.5, Number.NaN, 1e15, store.statistics.commitLogMaxOffset]) {
        expect(await store.recordAt(offset)).toBeUndefined();
      }
    });

    test('times lead to offsets', async () => {
      const clock = virtualClock({ nowMs: 10_000 });
      const store = await opener()({ clock });
      for (const nowMs of [10_000, 20_000, 20_000, 40_000]) {
        clock.setNow(nowMs);
        await append(store);
      }
      expect(await store.storeTimeAt('orders', 0, 3)).toBe(40_000);
      expect(await store.storeTimeAt('orders', 0, 4)).toBeUndefined();
      const offsets = [0, 10_000, 14_000, 16_000, 20_000, 29_000, 31_000, 40_000, 99_000];
      expect(await Promise.all(offsets.map((time) => store.offsetByTime('orders', 0, time)))).toEqual([
        0, 0, 0, 1, 1, 2, 3, 3, 3,
      ]);
      expect(await store.offsetByTime('none', 0, 5)).toBe(0);
    });

    test('the store clock never goes back, not even over a restart', async () => {
      const clock = virtualClock({ nowMs: 50_000 });
      const open = opener();
      const first = await open({ clock });
      await append(first);
      clock.setNow(30_000);
      expect((await append(first)).storeTimestamp).toBe(50_000);
      await first.close();
      const second = await open({ clock });
      expect((await append(second)).storeTimestamp).toBe(50_000);
      expect(second.statistics.earliestStoreTimestamp).toBe(50_000);
    });

    test('written messages go to the disk within the flush interval, and everything when it closes', async () => {
      const clock = virtualClock();
      const store = await opener()({ clock });
      await append(store);
      expect(store.statistics.flushedOffset).toBe(0);
      await clock.advance(500);
      await waitFor(() => store.statistics.flushedOffset === store.statistics.commitLogMaxOffset);
      await append(store);
      await store.close();
      expect(store.statistics.flushedOffset).toBe(store.statistics.commitLogMaxOffset);
      expect(clock.timers).toBe(0);
    });

    test('nothing it does by itself keeps a process alive', async () => {
      const clock = virtualClock();
      await append(await opener()({ clock }));
      expect(clock.timers).toBeGreaterThan(0);
      expect(clock.refTimers).toBe(0);
    });

    test('a second opener is refused until the first has closed', async () => {
      const open = opener();
      const first = await open();
      await expect(open()).rejects.toMatchObject({ code: 'RMQ_STORE_LOCKED' });
      expect((await append(first)).status).toBe('PUT_OK');
      await first.close();
      expect((await append(await open())).queueOffset).toBe(1);
    });

    test('a closed store takes and gives nothing, and closing twice is fine', async () => {
      const store = await opener()();
      const pending = appendAll(store, [storeMessage()]);
      await Promise.all([store.close(), store.close()]);
      expect((await pending)[0]!.status).toBe('PUT_OK');
      expect((await append(store)).status).toBe('SERVICE_NOT_AVAILABLE');
      expect(store.refusal).toBe('the store is closed');
      expect(() => store.get('orders', 0, 0, { messagesMax: 1 })).toThrow(
        expect.objectContaining({ code: 'RMQ_NOT_RUNNING' }),
      );
      expect(() => store.recordAt(0)).toThrow(expect.objectContaining({ code: 'RMQ_NOT_RUNNING' }));
    });

    test('files of another size than configured are refused', async () => {
      const open = opener();
      const store = await open();
      await append(store);
      await store.close();
      await expect(open({ mappedFileSizeCommitLog: 8192 })).rejects.toMatchObject({
        code: 'RMQ_STORE_UNUSABLE',
        path: expect.stringMatching(/commitlog\/0{20}$/),
      });
      await expect(open({ mappedFileSizeConsumeQueue: 400 })).rejects.toMatchObject({
        code: 'RMQ_STORE_UNUSABLE',
        path: expect.stringMatching(/consumequeue\/orders\/0\/0{20}$/),
      });
      expect(await readEverything(await open())).toEqual({ 'orders/0': ['hello'] });
    });

    test('an option that is no possible number is refused by name', async () => {
      const open = opener();
      for (const [option, value] of [
        ['mappedFileSizeCommitLog', 10],
        ['maxMessageSize', Number.NaN],
        ['flushIntervalCommitLogMs', 0],
        ['diskSpaceWarningLevelRatio', 1.5],
      ] as const) {
        await expect(open({ [option]: value })).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option });
      }
    });

    test('configuration is kept with what it was before', async () => {
      const open = opener();
      const store = await open();
      expect(await store.readConfig('topics.json')).toBeUndefined();
      await Promise.all(['1', '2', '3'].map((text) => store.writeConfig('topics.json', text)));
      expect(await store.readConfig('topics.json')).toBe('3');
      expect(await store.readConfig('topics.json', (text) => text === '2')).toBe('2');
      await store.close();
      expect(await (await open()).readConfig('topics.json')).toBe('3');
    });
  });
}
