import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockDirectory } from '../../../../core/server/store/files/node-store-lock.js';
import { findPosixLockHolder } from '../../../../core/server/store/files/posix-locks.js';
import { tempDir } from '../../../kit/temp-dir.js';

const LOCK = 'multistage.lock';

test('the lock file names the process, and Apache finds its own lock file', () => {
  const dir = tempDir();
  const lock = lockDirectory(dir);
  expect(JSON.parse(readFileSync(join(dir, LOCK), 'utf8'))).toMatchObject({ pid: process.pid });
  expect(readFileSync(join(dir, 'lock'), 'latin1')).toBe('lock');
  expect(readdirSync(dir).sort()).toEqual(['lock', LOCK]);
  lock.release();
  expect(readdirSync(dir)).toEqual(['lock']);
});

test('a running holder is named in the refusal', () => {
  const dir = tempDir();
  const lock = lockDirectory(dir);
  expect(() => lockDirectory(dir)).toThrow(
    expect.objectContaining({
      code: 'RMQ_STORE_LOCKED',
      dir,
      holder: `process ${process.pid}`,
      hint: expect.stringContaining('give every connect() the same embedded('),
    }),
  );
  lock.release();
});

test.each([
  ['a process that is gone', { pid: 2 ** 22 + 1, startTime: '' }],
  ['an earlier process with the id of a running one', { pid: process.pid, startTime: '1@an-earlier-boot' }],
  ['nobody: it is not readable', 'half a lo'],
])('a lock left by %s is taken over', (_who, left) => {
  const dir = tempDir();
  writeFileSync(join(dir, LOCK), typeof left === 'string' ? left : JSON.stringify(left));
  const earlierProcessCanBeTold = existsSync('/proc/self/stat');
  if (typeof left !== 'string' && left.pid === process.pid && !earlierProcessCanBeTold) {
    expect(() => lockDirectory(dir)).toThrow(expect.objectContaining({ code: 'RMQ_STORE_LOCKED' }));
    return;
  }
  const lock = lockDirectory(dir);
  expect(readdirSync(dir).sort()).toEqual(['lock', LOCK]);
  lock.release();
});

test('a POSIX lock on the file of Apache is found by device and inode', () => {
  const dir = tempDir();
  const path = join(dir, 'lock');
  writeFileSync(path, 'lock');
  const { dev, ino } = statSync(path, { bigint: true });
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  const device = [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
  const locks = [
    `1: FLOCK  ADVISORY  WRITE 11 ${device}:${ino} 0 EOF`,
    `2: POSIX  ADVISORY  WRITE 22 ${device}:${ino + 1n} 0 EOF`,
    `3: POSIX  ADVISORY  WRITE 33 ${device}:${ino} 0 0`,
    '',
  ];
  expect(findPosixLockHolder(locks.join('\n'), { dev, ino })).toBe(33);
  expect(findPosixLockHolder(locks.slice(0, 2).join('\n'), { dev, ino })).toBeUndefined();
});
