import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { StoreFile, StoreFiles } from '../../core/server/store/files/store-files.js';

/** What every implementation of StoreFiles has to do. `setup` hands out one with an empty directory of its own. */
export function storeFilesContract(name: string, setup: () => { files: StoreFiles; dir: string }): void {
  describe(`StoreFiles: ${name}`, () => {
    const create = (files: StoreFiles, path: string, sizeBytes: number): StoreFile => {
      const file = files.create(path, sizeBytes);
      onTestFinished(() => file.close());
      return file;
    };
    const bytesOf = (file: StoreFile): Buffer => {
      const bytes = Buffer.alloc(file.sizeBytes, 0xee);
      expect(file.readSync(bytes, 0)).toBe(file.sizeBytes);
      return bytes;
    };

    test('a new file has its full length and is all zero', () => {
      const { files, dir } = setup();
      const file = create(files, `${dir}/a`, 100_000);
      expect(file.sizeBytes).toBe(100_000);
      expect(bytesOf(file).equals(Buffer.alloc(100_000))).toBe(true);
      expect(files.exists(`${dir}/a`)).toBe(true);
    });

    test('a huge file costs nothing until it is written', () => {
      const { files, dir } = setup();
      const file = create(files, `${dir}/a`, 2 ** 34);
      file.writevSync([Buffer.from('end')], 2 ** 34 - 3);
      const tail = Buffer.alloc(5);
      expect(file.readSync(tail, 2 ** 34 - 5)).toBe(5);
      expect(tail.toString('latin1')).toBe('\0\0end');
    });

    test('creating a file that is there, opening one that is not, and a file in a missing directory fail by code', () => {
      const { files, dir } = setup();
      create(files, `${dir}/a`, 1);
      expect(() => files.create(`${dir}/a`, 1)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
      expect(() => files.open(`${dir}/b`)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      expect(() => files.create(`${dir}/none/b`, 1)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      expect(() => files.rename(`${dir}/b`, `${dir}/c`)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    });

    test('buffers are written one after the other and read back, at once and asynchronously', async () => {
      const { files, dir } = setup();
      const file = create(files, `${dir}/a`, 40_000);
      const parts = [Buffer.from('one'), Buffer.alloc(20_000, 2), Buffer.from('three')];
      expect(file.writevSync(parts, 10)).toBe(20_008);
      const wanted = Buffer.concat(parts);
      const atOnce = Buffer.alloc(wanted.length);
      expect(file.readSync(atOnce, 10)).toBe(wanted.length);
      const later = Buffer.alloc(wanted.length);
      expect(await file.read(later, 10)).toBe(wanted.length);
      expect(atOnce.equals(wanted) && later.equals(wanted)).toBe(true);
    });

    test('reading stops at the end of the file', async () => {
      const { files, dir } = setup();
      const file = create(files, `${dir}/a`, 10);
      expect(file.readSync(Buffer.alloc(8), 6)).toBe(4);
      expect(await file.read(Buffer.alloc(8), 6)).toBe(4);
      expect(file.readSync(Buffer.alloc(8), 10)).toBe(0);
    });

    test('an opened file has the length and bytes it was made with', async () => {
      const { files, dir } = setup();
      const first = files.create(`${dir}/a`, 64);
      first.writevSync([Buffer.from('kept')], 3);
      await first.sync();
      first.close();
      const second = files.open(`${dir}/a`);
      onTestFinished(() => second.close());
      expect(second.sizeBytes).toBe(64);
      expect(bytesOf(second).toString('latin1', 3, 7)).toBe('kept');
    });

    test('zero clears exactly its range', () => {
      const { files, dir } = setup();
      const file = create(files, `${dir}/a`, 70_000);
      file.writevSync([Buffer.alloc(70_000, 7)], 0);
      file.zero(100, 60_000);
      const bytes = bytesOf(file);
      expect(bytes.indexOf(0)).toBe(100);
      expect(bytes.lastIndexOf(0)).toBe(60_099);
      expect(bytes.subarray(100, 60_100).every((byte) => byte === 0)).toBe(true);
    });

    test('everything behind a position is cleared, in a huge file too', () => {
      const { files, dir } = setup();
      const sizeBytes = 2 ** 31;
      const file = create(files, `${dir}/a`, sizeBytes);
      file.writevSync([Buffer.alloc(30_000, 7)], 0);
      file.writevSync([Buffer.alloc(100, 8)], 40_000_000);
      file.zeroTail(10_001);
      const start = Buffer.alloc(30_000);
      file.readSync(start, 0);
      expect(start.equals(Buffer.concat([Buffer.alloc(10_001, 7), Buffer.alloc(19_999)]))).toBe(true);
      const far = Buffer.alloc(100, 1);
      file.readSync(far, 40_000_000);
      expect(far.equals(Buffer.alloc(100))).toBe(true);
    });

    test('any mix of writes and zeros leaves what it should', () => {
      const { files, dir } = setup();
      const sizeBytes = 50_000;
      const step = fc.record({
        zero: fc.boolean(),
        position: fc.nat(sizeBytes - 1),
        length: fc.integer({ min: 1, max: 40_000 }),
        fill: fc.integer({ min: 0, max: 255 }),
      });
      let run = 0;
      fc.assert(
        fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
          const path = `${dir}/${run++}`;
          const file = files.create(path, sizeBytes);
          const model = Buffer.alloc(sizeBytes);
          for (const { zero, position, fill, ...rest } of steps) {
            const length = Math.min(rest.length, sizeBytes - position);
            if (zero) file.zero(position, length);
            else file.writevSync([Buffer.alloc(length, fill)], position);
            model.fill(zero ? 0 : fill, position, position + length);
          }
          const same = bytesOf(file).equals(model);
          file.close();
          files.removeFile(path);
          expect(same).toBe(true);
        }),
        { numRuns: 60 },
      );
    });

    test('a directory lists its names in order, and is empty when it is not there', () => {
      const { files, dir } = setup();
      files.mkdir(`${dir}/x/y`);
      files.mkdir(`${dir}/x/y`);
      for (const name of ['b', 'c', 'a']) create(files, `${dir}/x/${name}`, 0);
      expect(files.list(`${dir}/x`)).toEqual(['a', 'b', 'c', 'y']);
      expect(files.list(`${dir}/none`)).toEqual([]);
      expect(() => files.list(`${dir}/x/a`)).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    });

    test('renaming replaces, removing leaves nothing, and what is open can be read on', async () => {
      const { files, dir } = setup();
      const old = create(files, `${dir}/old`, 3);
      old.writevSync([Buffer.from('old')], 0);
      const young = create(files, `${dir}/young`, 5);
      young.writevSync([Buffer.from('young')], 0);
      files.rename(`${dir}/young`, `${dir}/old`);
      await files.syncDirectory(dir);
      files.syncDirectorySync(dir);
      expect(files.list(dir)).toEqual(['old']);
      const opened = files.open(`${dir}/old`);
      expect(bytesOf(opened).toString()).toBe('young');
      opened.close();
      files.removeFile(`${dir}/old`);
      files.removeFile(`${dir}/old`);
      expect(files.exists(`${dir}/old`)).toBe(false);
    });

    test('a directory is removed with everything in it', () => {
      const { files, dir } = setup();
      files.mkdir(`${dir}/x/y`);
      files.create(`${dir}/x/y/a`, 10).close();
      files.removeDirectory(`${dir}/x`);
      files.removeDirectory(`${dir}/x`);
      expect(files.exists(`${dir}/x`)).toBe(false);
      expect(files.list(dir)).toEqual([]);
    });

    test('the volume tells how much is free', async () => {
      const { files, dir } = setup();
      const { freeBytes, totalBytes } = await files.freeSpace(dir);
      expect(totalBytes).toBeGreaterThan(0);
      expect(freeBytes).toBeGreaterThanOrEqual(0);
      expect(freeBytes).toBeLessThanOrEqual(totalBytes);
    });

    test('a directory has one holder at a time, and the second is told who it is', () => {
      const { files, dir } = setup();
      const lock = files.lock(dir);
      expect(() => files.lock(dir)).toThrow(
        expect.objectContaining({ code: 'RMQ_STORE_LOCKED', dir, holder: expect.stringMatching(/process/) }),
      );
      lock.release();
      const next = files.lock(dir);
      lock.release();
      expect(() => files.lock(dir)).toThrow(expect.objectContaining({ code: 'RMQ_STORE_LOCKED' }));
      next.release();
    });
  });
}
