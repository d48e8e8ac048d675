import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Compressor } from '../../core/message/compression/compressor.js';
import { decompressBody } from '../../core/message/compression/decompress.js';
import { nodeZstd } from '../../core/message/compression/node-zstd.js';
import { createWasmZstd } from '../../core/message/compression/wasm-zstd.js';
import { createZstdCompressor, zstdCompressor } from '../../core/message/compression/zstd.js';

const failed = expect.objectContaining({ code: 'RMQ_DECOMPRESS_FAILED' });
const MIB = 1024 * 1024;

/** 40 × 'a', as Java's client writes it: a window of 2 MiB, no content size. */
const fromJava = Buffer.from('28b52ffd005844000010616101001f8005010000', 'hex');
const skippable = Buffer.from('532a4d1803000000ffffff', 'hex');

/** A frame with one byte repeated: blocks of up to 128 KiB take 4 bytes each. */
function repeated(size: number, windowExponent = 20): Buffer {
  const blocks: Buffer[] = [];
  for (let left = size; left > 0; left -= 131_072) {
    const block = Buffer.from([0, 0, 0, 0x61]);
    block.writeUIntLE((Math.min(left, 131_072) << 3) | (1 << 1) | Number(left <= 131_072), 0, 3);
    blocks.push(block);
  }
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowExponent - 10) << 3]), ...blocks]);
}

const engines: [string, Compressor][] = [['zstd-codec', createZstdCompressor(createWasmZstd)]];
const node = nodeZstd(zlib);
if (node !== undefined) engines.push(["Node's own zstd", createZstdCompressor(createWasmZstd, node)]);

describe.each(engines)('zstd by %s', (_name, compressor) => {
  const read = async (body: Buffer, limit = MIB) => compressor.decompress(body, limit);

  test('reads what Java wrote', async () => {
    expect((await read(fromJava)).toString()).toBe('a'.repeat(40));
  });

  test('gives back what it was given, at every level, small and large', async () => {
    const bodies = [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.alloc(40, 'a'),
      Buffer.from(randomBytes(32_768).toString('hex')),
      Buffer.from(randomBytes(200_000).toString('hex')),
      randomBytes(2 * MIB),
      Buffer.alloc(4 * MIB, 'abcdefgh'),
    ];
    for (const body of bodies) {
      for (const level of body.length > MIB ? [1, 9] : [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
        const frame = await compressor.compress(body, level);
        expect(frame.readUInt32LE(0)).toBe(0xfd2fb528);
        expect(body.equals(await read(frame, body.length))).toBe(true);
      }
    }
  });

  test('reads frames that follow one another, and passes over skippable ones', async () => {
    const other = await compressor.compress(Buffer.from('other'), 5);
    const empty = await compressor.compress(Buffer.alloc(0), 5);
    const body = Buffer.concat([skippable, fromJava, empty, skippable, other, fromJava]);
    expect((await read(body)).toString()).toBe(`${'a'.repeat(40)}other${'a'.repeat(40)}`);
    const large = await compressor.compress(randomBytes(100_000), 5);
    expect(await read(Buffer.concat([large, fromJava, large]))).toHaveLength(200_040);
  });

  test('stops at the limit, whatever a frame says of itself', async () => {
    const bomb = repeated(1024 * MIB);
    expect(bomb.length).toBeLessThan(64 * 1024);
    await expect(read(bomb, 16 * MIB)).rejects.toThrow(/more than 16777216 bytes/);
    for (let times = 0; times < 20; times++) await expect(read(bomb, 1)).rejects.toThrow(failed);
    expect(await read(repeated(3 * MIB), 3 * MIB)).toHaveLength(3 * MIB);
    await expect(read(repeated(3 * MIB), 3 * MIB - 1)).rejects.toThrow(failed);
    await expect(read(Buffer.concat([fromJava, fromJava]), 79)).rejects.toThrow(failed);
    expect(await read(Buffer.concat([fromJava, fromJava]), 80)).toHaveLength(80);
    // A content size of 2^40 bytes, and a window of 2^31.
    await expect(read(Buffer.from('28b52ffde00000000000010000010000', 'hex'))).rejects.toThrow(/more than/);
    await expect(read(repeated(40, 31))).rejects.toThrow(/window of 2147483648 bytes/);
    expect(await read(repeated(40, 23))).toHaveLength(40);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['something else', Buffer.from('plain text')],
    ['a frame and something else', Buffer.concat([fromJava, Buffer.from('junk')])],
    ['a skippable frame alone', skippable],
    ['a frame with a dictionary', Buffer.from('28b52ffd01580701000000', 'hex')],
    ['a frame with the reserved bit', Buffer.from('28b52ffd0858010000', 'hex')],
    ['a block of the reserved type', Buffer.from('28b52ffd0058070000', 'hex')],
    ['a block that is too large', Buffer.from('28b52ffd0058f9ffff00', 'hex')],
    ['more than 1,024 frames', Buffer.concat(Array.from({ length: 1_025 }, () => skippable))],
    ['a wrong checksum', Buffer.from('28b52ffd045844000010616101001f800501000011223344', 'hex')],
    ['a wrong content size', Buffer.from('28b52ffd202945000010616101001f8005', 'hex')],
  ])('refuses %s', async (_what, body) => {
    await expect(read(body)).rejects.toThrow(failed);
  });

  test('refuses a frame that is broken off at any byte', async () => {
    for (let length = 0; length < fromJava.length; length++) {
      await expect(read(fromJava.subarray(0, length))).rejects.toThrow(failed);
    }
  });

  test('ends damaged bodies within the limit or in the error of their kind', async () => {
    const base = await compressor.compress(Buffer.from('abcdefgh'.repeat(50) + randomBytes(60).toString('hex')), 5);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.integer({ min: 1, max: 2_000 }),
        async (changes, limit) => {
          const body = Buffer.from(base);
          for (const [at, byte] of changes) body[at] = byte;
          const plain = await read(body, limit).catch((error: unknown) => {
            expect(error).toEqual(failed);
            return Buffer.alloc(0);
          });
          expect(plain.length).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });
});

test('the compressor that comes with the package reads by flag and by magic', async () => {
  for (const sysFlag of [0x201, 0x001]) expect(await decompressBody(fromJava, sysFlag)).toHaveLength(40);
  await zstdCompressor.load?.();
  expect(zstdCompressor.decompress(fromJava, 40)).toBeInstanceOf(Buffer);
});

test('without its package zstd is missing by name', async () => {
  const compressor = createZstdCompressor(() => Promise.reject(new Error("Cannot find package 'zstd-codec'")));
  const missing = expect.objectContaining({ code: 'RMQ_CODEC_MISSING', codec: 'ZSTD', package: 'zstd-codec' });
  await expect(compressor.load?.()).rejects.toThrow(missing);
  await expect(compressor.compress(Buffer.from('x'), 5)).rejects.toThrow(missing);
  await expect(compressor.decompress(fromJava, 40)).rejects.toThrow(/zstd-codec/);
});

test('two engines read each other', async () => {
  const body = Buffer.from(randomBytes(50_000).toString('hex'));
  for (const [, writer] of engines) {
    const frame = await writer.compress(body, 5);
    for (const [, reader] of engines) expect(body.equals(await reader.decompress(frame, MIB))).toBe(true);
  }
});
