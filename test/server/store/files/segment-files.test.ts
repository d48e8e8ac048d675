import { expect, test } from 'vitest';
import { createMemoryStoreFiles } from '../../../../core/server/store/files/memory-store-files.js';
import { OpenFiles } from '../../../../core/server/store/files/open-files.js';
import { SegmentFiles } from '../../../../core/server/store/files/segment-files.js';
import type { StoreFile, StoreFiles } from '../../../../core/server/store/files/store-files.js';

const DIR = '/data/commitlog';
const name = (start: number): string => String(start).padStart(20, '0');

function setup(fileSizeBytes = 100) {
  const files = createMemoryStoreFiles();
  files.mkdir(DIR);
  const make = (sizeBytes = fileSizeBytes) => new SegmentFiles(DIR, sizeBytes, files, new OpenFiles(files, 4));
  return { files, make };
}

test('a row of bytes is written and read across its files', async () => {
  const { files, make } = setup();
  const segments = make();
  const bytes = Buffer.from(Array.from({ length: 450 }, (_, index) => index % 251));
  segments.grow(230, 230 + bytes.length);
  segments.write([bytes.subarray(0, 7), bytes.subarray(7, 300), bytes.subarray(300)], 230);
  expect(files.list(DIR)).toEqual([200, 300, 400, 500, 600].map(name));
  const read = Buffer.alloc(450);
  expect(segments.readSync(read, 230)).toBe(450);
  expect(read.equals(bytes)).toBe(true);
  expect(await segments.read(read.fill(0), 230)).toBe(450);
  expect(read.equals(bytes)).toBe(true);
  expect(segments.readSync(Buffer.alloc(200), 600)).toBe(100);
  expect(segments.readSync(Buffer.alloc(10), 100)).toBe(0);

  const again = make();
  again.load();
  expect([again.start, again.end, again.count]).toEqual([200, 700, 5]);
});

test('a file of another length is refused by its path', () => {
  const { make } = setup();
  const segments = make();
  segments.grow(0, 250);
  expect(() => make(50).load()).toThrow(
    expect.objectContaining({ code: 'RMQ_STORE_UNUSABLE', path: `${DIR}/${name(0)}` }),
  );
});

test('a missing file in the middle is refused', () => {
  const { files, make } = setup();
  make().grow(0, 250);
  files.removeFile(`${DIR}/${name(100)}`);
  expect(() => make().load()).toThrow(
    expect.objectContaining({ code: 'RMQ_STORE_UNUSABLE', path: `${DIR}/${name(200)}` }),
  );
});

test('a file that a kill left without its length is removed', () => {
  const { files, make } = setup();
  make().grow(0, 100);
  files.create(`${DIR}/${name(100)}`, 0);
  const segments = make();
  segments.load();
  expect(segments.end).toBe(100);
  expect(files.list(DIR)).toEqual([name(0)]);
});

test('zeroing from a position keeps the file it lies in at its length and removes the later ones', () => {
  const { files, make } = setup();
  const segments = make();
  segments.grow(0, 400);
  segments.write([Buffer.alloc(400, 9)], 0);
  segments.zeroFrom(130);
  expect(files.list(DIR)).toEqual([0, 100].map(name));
  const read = Buffer.alloc(200);
  segments.readSync(read, 0);
  expect(read.equals(Buffer.concat([Buffer.alloc(130, 9), Buffer.alloc(70)]))).toBe(true);
  segments.zeroFrom(100);
  expect(files.list(DIR)).toEqual([name(0)]);
  segments.zeroFrom(0);
  expect([files.list(DIR), segments.count]).toEqual([[], 0]);
});

test('no more files are open than allowed, and one that is being read is not closed', async () => {
  const volume = createMemoryStoreFiles();
  volume.mkdir('/data');
  const closed: string[] = [];
  const files = Object.assign(Object.create(volume) as StoreFiles, {
    open: (path: string): StoreFile =>
      Object.assign(Object.create(volume.open(path)) as StoreFile, { close: () => closed.push(path) }),
  });
  const open = new OpenFiles(files, 2);
  for (const path of ['/data/a', '/data/b', '/data/c', '/data/d']) volume.create(path, 1).close();
  let finish = (): void => {};
  const reading = open.use('/data/a', () => new Promise<void>((resolve) => (finish = resolve)));
  for (const path of ['/data/b', '/data/c', '/data/b', '/data/d']) open.file(path);
  expect(open.count).toBe(2);
  expect(closed).not.toContain('/data/a');
  open.forget('/data/a');
  expect(closed).not.toContain('/data/a');
  finish();
  await reading;
  expect(closed).toContain('/data/a');
  open.closeAll();
  expect(open.count).toBe(0);
});
