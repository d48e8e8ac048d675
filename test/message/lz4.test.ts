import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import type { Compressor } from '../../core/message/compression/compressor.js';
import { decompressBody } from '../../core/message/compression/decompress.js';
import { createLz4Compressor, lz4Compressor } from '../../core/message/compression/lz4.js';
import { ASYNC_BYTES_MIN } from '../../core/message/compression/zlib.js';

const failed = expect.objectContaining({ code: 'RMQ_DECOMPRESS_FAILED' });
const MIB = 1024 * 1024;

/** 40 × 'a', as Java's client writes it. */
const fromJava = Buffer.from('04224d186070730b0000001f6101000f50616161616100000000', 'hex');
const skippable = Buffer.from('532a4d1803000000ffffff', 'hex');

const read = async (body: Buffer, limit = MIB, compressor: Compressor = lz4Compressor) =>
  compressor.decompress(body, limit);

describe('LZ4 frames', () => {
  test('of Java are read', async () => {
    expect((await read(fromJava)).toString()).toBe('a'.repeat(40));
  });

  test('of ours have independent blocks, the only ones that Java reads', async () => {
    for (const body of [
      Buffer.alloc(40, 'a'),
      randomBytes(1_000),
      Buffer.alloc(300_000, 'ab'),
      Buffer.alloc(9 * MIB),
    ]) {
      const frame = await lz4Compressor.compress(body, 5);
      expect(frame.readUInt32LE(0)).toBe(0x184d2204);
      // Version 01, independent blocks, neither dictionary nor content size.
      expect(frame[4]! & 0b1110_1011).toBe(0b0110_0000);
    }
  });

  test('come back as what they were made from, at once and by promise', async () => {
    await lz4Compressor.load?.();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4_000 }), fc.integer({ min: 1, max: 60 }), async (bytes, times) => {
        const body = Buffer.concat(Array.from({ length: times }, () => bytes));
        const frame = await lz4Compressor.compress(body, 5);
        expect(body.equals(await read(frame, body.length))).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect(lz4Compressor.compress(Buffer.alloc(ASYNC_BYTES_MIN), 5)).toBeInstanceOf(Buffer);
    expect(lz4Compressor.compress(Buffer.alloc(ASYNC_BYTES_MIN + 1), 5)).toBeInstanceOf(Promise);
    expect(lz4Compressor.decompress(fromJava, 40)).toBeInstanceOf(Buffer);
    const large = compressFrameSync(randomBytes(ASYNC_BYTES_MIN + 1));
    expect(await (lz4Compressor.decompress(large, MIB) as Promise<Buffer>)).toHaveLength(ASYNC_BYTES_MIN + 1);
  });

  test('that follow one another are read together, skippable ones passed over', async () => {
    const other = compressFrameSync(Buffer.from('other'));
    const empty = compressFrameSync(Buffer.alloc(0));
    const body = Buffer.concat([skippable, fromJava, empty, skippable, other, fromJava, skippable]);
    expect((await read(body)).toString()).toBe(`${'a'.repeat(40)}other${'a'.repeat(40)}`);
    const large = compressFrameSync(randomBytes(100_000));
    expect(await read(Buffer.concat([large, fromJava, large]))).toHaveLength(200_040);
  });

  test('with checksums, a content size or blocks that did not compress are read', async () => {
    const plain = randomBytes(5_000);
    const checked = compressFrameSync(plain, { contentChecksum: true, blockChecksums: true });
    expect(plain.equals(await read(Buffer.concat([checked, fromJava])).then((body) => body.subarray(0, 5_000)))).toBe(
      true,
    );
    const changed = Buffer.from(checked);
    changed[2_000]! ^= 1;
    await expect(read(changed)).rejects.toThrow(failed);
    // Flags 0x68 announce a content size, here of 40 bytes; 0x45 is the checksum of this header.
    const sized = Buffer.from('04224d1868702800000000000000', 'hex');
    const header = [...Array(256).keys()].map((sum) =>
      Buffer.concat([sized, Buffer.from([sum]), fromJava.subarray(7)]),
    );
    const readable = await Promise.allSettled(header.map((frame) => read(frame)));
    expect(readable.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('LZ4 bodies that are refused', () => {
  test.each([
    ['empty', Buffer.alloc(0)],
    ['other than a frame', Buffer.from('plain text')],
    ['followed by something else', Buffer.concat([fromJava, Buffer.from('junk')])],
    ['only skippable', skippable],
    ['of the legacy format', Buffer.from('02214c1800000000', 'hex')],
    ['with a dictionary', Buffer.from('04224d186170000000000000000000', 'hex')],
    ['of an unknown version', Buffer.from('04224d18a07073000000', 'hex')],
    ['of an unknown block size', Buffer.from('04224d18603073000000', 'hex')],
    ['of more than 1,024 frames', Buffer.concat(Array.from({ length: 1_025 }, () => skippable))],
    ['made of damaged blocks', Buffer.from('04224d186070730b000000ffffffffffffffffffffff00000000', 'hex')],
  ])('%s', async (_name, body) => {
    await expect(read(body)).rejects.toThrow(failed);
  });

  test('broken off at any byte', async () => {
    const whole = compressFrameSync(Buffer.alloc(300, 'abc'), { contentChecksum: true });
    for (let length = 0; length < whole.length; length++) {
      await expect(read(whole.subarray(0, length))).rejects.toThrow(failed);
    }
  });

  test('larger than the limit, before they are decompressed', async () => {
    const bomb = compressFrameSync(Buffer.alloc(64 * MIB));
    let asked = 0;
    const watched = createLz4Compressor(async () => {
      const library = await import('lz4-napi');
      const decompressFrame = (frame: Buffer) => {
        asked++;
        return library.decompressFrame(frame);
      };
      return { ...library, decompressFrame };
    });
    await expect(read(bomb, 16 * MIB, watched)).rejects.toThrow(/more than 16777216 bytes/);
    await expect(read(bomb, 64 * MIB - 1, watched)).rejects.toThrow(failed);
    expect(asked).toBe(0);
    expect(await read(bomb, 64 * MIB, watched)).toHaveLength(64 * MIB);
    // Several frames count together, and a frame that announces its size is believed when it says too much.
    await expect(read(Buffer.concat([fromJava, fromJava]), 79)).rejects.toThrow(failed);
    expect(await read(Buffer.concat([fromJava, fromJava]), 80)).toHaveLength(80);
    await expect(read(Buffer.from('04224d186870ffffffffffffff00', 'hex'))).rejects.toThrow(/more than/);
  });

  test('whatever the bytes are, they end in a body within the limit or in the error of their kind', async () => {
    await lz4Compressor.load?.();
    const base = compressFrameSync(Buffer.from('abcdefgh'.repeat(50) + randomBytes(60).toString('hex')));
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

test('without its package LZ4 is missing by name, and a later try asks again', async () => {
  let installed = false;
  const compressor = createLz4Compressor(async () => {
    if (!installed) throw Object.assign(new Error("Cannot find package 'lz4-napi'"), { code: 'ERR_MODULE_NOT_FOUND' });
    return import('lz4-napi');
  });
  const missing = expect.objectContaining({ code: 'RMQ_CODEC_MISSING', codec: 'LZ4', package: 'lz4-napi' });
  await expect(compressor.load?.()).rejects.toThrow(missing);
  await expect(compressor.compress(Buffer.from('x'), 5)).rejects.toThrow(/lz4-napi/);
  await expect(decompressBody(fromJava, 0x101, [compressor])).rejects.toThrow(missing);
  installed = true;
  expect(await decompressBody(fromJava, 0x001, [compressor])).toHaveLength(40);
});
