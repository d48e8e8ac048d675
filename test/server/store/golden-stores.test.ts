import { dirname } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecord } from '../../../core/message/message-record.js';
import { decodeProperties } from '../../../core/message/properties.js';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { nodeStoreFiles } from '../../../core/server/store/files/node-store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { goldenStore } from '../../kit/golden.js';
import { tempDir } from '../../kit/temp-dir.js';
import { append, bodiesOf, readEverything, readQueue } from './store-kit.js';

const APACHE_SIZES = {
  mappedFileSizeCommitLog: 65_536,
  mappedFileSizeConsumeQueue: 2000,
  maxHashSlotNum: 1000,
  maxIndexNum: 4000,
} as const;
const LOG = 'commitlog/00000000000000000000';
const count = (from: number, to: number, step: number, prefix = '') =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => `${prefix}${from + index * step}`);

/** What Apache's Java client sent, by queue; `create` is what it makes a topic with. */
const MESSAGES = {
  'SCHEDULE_TOPIC_XXXX/1': ['later'],
  'st_admin/2': ['admin'],
  'st_batch/2': count(0, 5, 1, 'batch '),
  'st_delay/1': ['create'],
  'st_delay/2': ['later'],
  'st_orderly/0': count(0, 40, 4),
  'st_orderly/1': count(1, 40, 4),
  'st_orderly/2': count(2, 40, 4),
  'st_orderly/3': ['create', ...count(3, 40, 4)],
  'st_push/0': count(0, 12, 4, 'push '),
  'st_push/1': count(1, 12, 4, 'push '),
  'st_push/2': count(2, 12, 4, 'push '),
  'st_push/3': count(3, 12, 4, 'push '),
  'st_sync/0': ['hello 你好 2', 'hello 你好 6'],
  'st_sync/1': ['hello 你好 3', 'hello 你好 7', 'to a queue'],
  'st_sync/2': ['hello 你好 0', 'hello 你好 4'],
  'st_sync/3': ['hello 你好 1', 'hello 你好 5'],
};

function write(dir: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [path, bytes] of files) {
    nodeStoreFiles.mkdir(dirname(`${dir}/${path}`));
    const file = nodeStoreFiles.create(`${dir}/${path}`, bytes.length);
    if (bytes.length > 0) file.writevSync([bytes], 0);
    file.close();
  }
}

function read(dir: string, path: string): Buffer {
  const file = nodeStoreFiles.open(`${dir}/${path}`);
  const bytes = Buffer.alloc(file.sizeBytes);
  file.readSync(bytes, 0);
  file.close();
  return bytes;
}

async function open(dir: string): Promise<FileMessageStore> {
  const store = await openMessageStore({ dir, files: nodeStoreFiles, ...APACHE_SIZES });
  onTestFinished(() => store.close());
  return store;
}

describe.each(['apache-4.9.7-clean', 'apache-4.9.7-killed'] as const)('%s', (name) => {
  test('gives back every message, each with its own place', async () => {
    const dir = tempDir();
    write(dir, goldenStore(name));
    const store = await open(dir);
    expect(await readEverything(store)).toEqual(MESSAGES);
    for (const { topic, queueId } of store.queues()) {
      const records = await readQueue(store, topic, queueId);
      expect(records.map((record) => record.queueOffset)).toEqual(records.map((_, index) => index));
      for (const record of records) {
        const found = await store.recordAt(record.physicalOffset);
        expect(found).toEqual(record);
        expect([record.topic, record.queueId]).toEqual([topic, queueId]);
      }
    }
    expect(store.statistics).toMatchObject({ commitLogMinOffset: 0, commitLogMaxOffset: 15_520 });
  });

  test('stays as it was written, index included', async () => {
    const dir = tempDir();
    const golden = goldenStore(name);
    write(dir, golden);
    await (await open(dir)).close();
    expect(read(dir, LOG).equals(golden.get(LOG)!)).toBe(true);
    for (const [path, bytes] of golden) {
      if (/^(consumequeue|index|config)\//.test(path))
        expect([path, read(dir, path).equals(bytes)]).toEqual([path, true]);
    }
    expect(nodeStoreFiles.list(`${dir}/commitlog`)).toEqual(['00000000000000000000']);
    expect(nodeStoreFiles.exists(`${dir}/abort`)).toBe(false);
  });

  test('takes more messages where Apache left off', async () => {
    const dir = tempDir();
    write(dir, goldenStore(name));
    const first = await open(dir);
    expect(await append(first, { topic: 'st_orderly', queueId: 3, body: 'next' })).toMatchObject({
      status: 'PUT_OK',
      queueOffset: 11,
      commitLogOffset: 15_520,
    });
    await first.close();
    const second = await open(dir);
    const bodies = bodiesOf(await readQueue(second, 'st_orderly', 3));
    expect(bodies).toEqual([...MESSAGES['st_orderly/3'], 'next']);
    expect(await second.readConfig('topics.json')).toContain('st_orderly');
  });
});

test('queues rebuilt from the log are those that Apache wrote, delivery times of delayed messages included', async () => {
  const dir = tempDir();
  const golden = goldenStore('apache-4.9.7-killed');
  write(dir, new Map([...golden].filter(([path]) => !path.startsWith('consumequeue/'))));
  const store = await open(dir);
  expect(await readEverything(store)).toEqual(MESSAGES);
  await store.close();
  const queueFiles = [...golden].filter(([path]) => path.startsWith('consumequeue/'));
  expect(queueFiles).toHaveLength(17);
  for (const [path, bytes] of queueFiles) expect([path, read(dir, path).equals(bytes)]).toEqual([path, true]);
});

test('an index built from the log is the one that Apache wrote, byte for byte', async () => {
  const dir = tempDir();
  const golden = goldenStore('apache-4.9.7-clean');
  write(dir, new Map([...golden].filter(([path]) => !path.startsWith('index/'))));
  await (await open(dir)).close();
  const [theirs] = [...golden].filter(([path]) => path.startsWith('index/'));
  const [ours] = nodeStoreFiles.list(`${dir}/index`);
  expect(ours).toMatch(/^\d{17}$/);
  expect(read(dir, `index/${ours}`).equals(theirs![1])).toBe(true);
  // Of the store that was killed it is the same: nothing but the name tells when it was made.
  const killed = [...goldenStore('apache-4.9.7-killed')].find(([path]) => path.startsWith('index/'))!;
  expect(killed[1].equals(theirs![1])).toBe(true);
});

test.each(['apache-4.9.7-clean', 'apache-4.9.7-killed'] as const)(
  '%s: every message is found by each of its keys',
  async (name) => {
    const dir = tempDir();
    write(dir, goldenStore(name));
    const store = await open(dir);
    let looked = 0;
    for (const { topic, queueId } of store.queues()) {
      for (const record of await readQueue(store, topic, queueId)) {
        const properties = decodeProperties(record.properties);
        const keys = [properties.UNIQ_KEY, ...(properties.KEYS ?? '').split(' ')].filter((key) => key);
        for (const key of keys) {
          const range = { begin: record.storeTimestamp, end: record.storeTimestamp };
          const { records } = await store.query({ topic, key: key!, messagesMax: 64, ...range });
          expect(records.map((found) => readRecord(found, 0).physicalOffset)).toContain(record.physicalOffset);
          looked++;
        }
      }
    }
    expect(looked).toBe(145);
  },
);
