import { randomBytes } from 'node:crypto';
import { deflateSync, gzipSync, inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decompressBody } from '../../core/message/compression/decompress.js';
import { ASYNC_BYTES_MIN, zlibCompressor } from '../../core/message/compression/zlib.js';

const failed = expect.objectContaining({ code: 'RMQ_DECOMPRESS_FAILED' });
const decompress = async (body: Buffer, limit: number) => zlibCompressor.decompress(body, limit);

test('a body up to 64 KiB is compressed at once, a larger one by promise', async () => {
  const small = zlibCompressor.compress(Buffer.alloc(ASYNC_BYTES_MIN, 'a'), 5);
  expect(small).toBeInstanceOf(Buffer);
  const large = zlibCompressor.compress(Buffer.alloc(ASYNC_BYTES_MIN + 1, 'a'), 5);
  expect(large).toBeInstanceOf(Promise);
  expect(inflateSync(await large).equals(Buffer.alloc(ASYNC_BYTES_MIN + 1, 'a'))).toBe(true);
});

test('what is compressed at any level is read back', async () => {
  for (const body of [Buffer.from('x'), Buffer.alloc(200_000, 'abc'), randomBytes(100_000)]) {
    for (const level of [1, 5, 9]) {
      const compressed = await zlibCompressor.compress(body, level);
      expect(body.equals(await decompress(compressed, body.length))).toBe(true);
      expect(body.equals(await decompressBody(compressed, 0x301))).toBe(true);
    }
  }
});

test('decompression gives up at the limit, for small and large inputs', async () => {
  const bomb = deflateSync(Buffer.alloc(17 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(ASYNC_BYTES_MIN);
  await expect(decompress(bomb, 1000)).rejects.toThrow(failed);
  await expect(decompress(bomb, 1000)).rejects.toThrow(/more than 1000 bytes/);
  // Beyond the default limit of 16 MiB.
  await expect(async () => decompressBody(bomb, 1)).rejects.toThrow(failed);
  const large = deflateSync(randomBytes(100_000));
  await expect(decompress(large, 99_999)).rejects.toThrow(failed);
  expect(await decompress(large, 100_000)).toHaveLength(100_000);
});

test('a damaged body is refused by name', async () => {
  const whole = deflateSync(randomBytes(500));
  const changed = Buffer.from(whole);
  changed[250]! ^= 0x55;
  const large = deflateSync(randomBytes(100_000)).subarray(0, 90_000);
  for (const body of [
    Buffer.alloc(0),
    Buffer.from('plain text'),
    whole.subarray(0, 300),
    changed,
    gzipSync('x'),
    large,
  ]) {
    await expect(decompress(body, 1_000_000)).rejects.toThrow(failed);
  }
});

test('a codec without a compressor is named', () => {
  const lz4 = Buffer.from('04224d186070730b0000001f6101000f50616161616100000000', 'hex');
  const missing = (codec: string) => expect.objectContaining({ code: 'RMQ_CODEC_MISSING', codec });
  expect(() => decompressBody(lz4, 0x101, [zlibCompressor])).toThrow(missing('LZ4'));
  expect(() => decompressBody(lz4, 0x001, [zlibCompressor])).toThrow(missing('LZ4'));
  expect(() => decompressBody(Buffer.from('28b52ffd', 'hex'), 0x201, [zlibCompressor])).toThrow(missing('ZSTD'));
});

test('a codec that is installed is asked', async () => {
  const lz4 = { ...zlibCompressor, type: 'LZ4' as const, decompress: () => Buffer.from('plain') };
  expect(await decompressBody(Buffer.from('x'), 0x101, [zlibCompressor, lz4])).toEqual(Buffer.from('plain'));
});
