import { expect, test } from 'vitest';
import { LogTail } from '../../../core/server/store/commitlog/log-tail.js';

/** Bytes of a log of which each tells its position. */
function bytesAt(position: number, sizeBytes: number): Buffer {
  return Buffer.from(Array.from({ length: sizeBytes }, (_, index) => (position + index) % 251));
}

function read(tail: LogTail, position: number, sizeBytes: number): Buffer | undefined {
  const target = Buffer.alloc(sizeBytes);
  const count = tail.read(target, position);
  return count === undefined ? undefined : target.subarray(0, count);
}

test('the newest bytes are read as they were written, wherever the ring turns', () => {
  const tail = new LogTail(64);
  let end = 1_000;
  for (const sizeBytes of [10, 1, 40, 30, 64, 5, 200, 17, 47, 63]) {
    tail.write(bytesAt(end, sizeBytes), end);
    end += sizeBytes;
    const start = Math.max(1_000, end - 64);
    for (let position = start; position < end; position++) {
      expect(read(tail, position, 20)).toEqual(bytesAt(position, Math.min(20, end - position)));
    }
    expect(read(tail, start - 1, 1)).toBeUndefined();
    expect(read(tail, end, 1)).toBeUndefined();
  }
});

test('the ring grows with what is written, and keeps what it has', () => {
  const tail = new LogTail(300_000);
  let end = 70_001;
  for (const sizeBytes of [50_000, 40_000, 7, 100_000, 60_000, 260_000, 1_000, 500_000]) {
    tail.write(bytesAt(end, sizeBytes), end);
    end += sizeBytes;
    const start = Math.max(70_001, end - 300_000);
    expect(read(tail, start, 400_000)!.equals(bytesAt(start, end - start))).toBe(true);
    expect(read(tail, start - 1, 1)).toBeUndefined();
  }
});

test('what does not follow the bytes before begins anew: the log went on in its next file', () => {
  const tail = new LogTail(64);
  expect(read(tail, 0, 1)).toBeUndefined();
  tail.write(bytesAt(0, 20), 0);
  tail.write(bytesAt(100, 20), 100);
  expect([0, 19, 20, 99, 120].map((position) => read(tail, position, 1))).toEqual(Array(5).fill(undefined));
  expect(read(tail, 100, 64)).toEqual(bytesAt(100, 20));
});
